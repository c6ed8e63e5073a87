import type { MediaType } from "../media-types.ts";
import type { VideoFacts } from "../metadata/plan.ts";
import { readMediaFacts } from "../metadata/remove-metadata.ts";
import { isFitForDisplay } from "../renditions/display-fitness.ts";
import { makePictures } from "../renditions/pictures.ts";
import { fitsDecoder } from "../renditions/worker-memory.ts";
import { displayPath, thumbnailPath } from "./files-beside.ts";

/** A stored image, and the renditions to make of it. */
export interface StoredImage {
  readonly path: string;
  readonly type: MediaType;
  readonly thumbnail: boolean;
  /** `if needed`: unless the image itself is fit for the large view. */
  readonly display: "if needed" | "never";
  /** Where the files appear: see {@link thumbnailPath} and {@link displayPath}. */
  readonly output: string;
}

/** A stored video. */
export interface StoredVideo {
  readonly path: string;
  readonly type: MediaType;
}

/** The result of {@link makeStoredPictures}: bytes of the WebP files, null for one that was not wanted or not needed. */
export interface MadePictures {
  readonly thumbnail: number | null;
  readonly display: number | null;
  readonly placeholder: string | null;
}

/**
 * Makes renditions of a stored image, in a worker process. Makes none of an image that takes too much memory to decode.
 * @throws ApiError DAMAGED_MEDIA, CUT_OFF_MEDIA if it cannot be decoded; errors of the file system
 */
export async function makeStoredPictures(job: StoredImage): Promise<MadePictures> {
  const { path, type, output, thumbnail } = job;
  const media = await readMediaFacts(path, type);
  const display = job.display === "if needed" && !isFitForDisplay(type, media);
  if (!(thumbnail || display) || !fitsDecoder(media))
    return { thumbnail: null, display: null, placeholder: null };
  const made = await makePictures({ ...media, path, type }, { thumbnail, display });
  return {
    thumbnail: made.thumbnail ? await Bun.write(thumbnailPath(output), made.thumbnail) : null,
    display: made.display ? await Bun.write(displayPath(output), made.display) : null,
    placeholder: made.placeholder ?? null,
  };
}

/**
 * Reads the facts about a stored video, in a worker process.
 * @throws ApiError DAMAGED_MEDIA; errors of the file system
 */
export async function readStoredVideo({ path, type }: StoredVideo): Promise<VideoFacts> {
  const { video } = await readMediaFacts(path, type);
  return video ?? { durationSeconds: null, isPlayable: false };
}
