import { ByteSource } from "./byte-source.ts";
import { damaged } from "./damaged.ts";
import type { MediaType } from "../media-types.ts";
import { planAvi } from "./avi/avi.ts";
import { blank } from "./blank.ts";
import { planGif } from "./gif/gif.ts";
import { planPicture } from "./heif/file.ts";
import { planJpeg } from "./jpeg/jpeg.ts";
import { planMatroska } from "./matroska/matroska.ts";
import { planMovie } from "./iso/movie-file.ts";
import { planMpeg } from "./mpeg/mpeg.ts";
import { recordableSize, type Blanking, type MediaFacts, type Rewriting } from "./plan.ts";
import { planPng } from "./png/png.ts";
import { rewrite } from "./rewrite.ts";
import { planWebp } from "./webp.ts";

/** Facts about a file that is ready to be stored. */
export interface CleanMedia extends MediaFacts {
  /** Size of the cleaned file. */
  readonly bytes: number;
}

const planners: Readonly<
  Record<MediaType, (source: ByteSource, type: MediaType) => Promise<Rewriting | Blanking>>
> = {
  "image/jpeg": planJpeg,
  "image/png": planPng,
  "image/gif": planGif,
  "image/webp": planWebp,
  "image/avif": planPicture,
  "image/heic": planPicture,
  "video/mp4": planMovie,
  "video/quicktime": planMovie,
  "video/3gpp": planMovie,
  "video/webm": planMatroska,
  "video/matroska": planMatroska,
  "video/x-msvideo": planAvi,
  "video/mpeg": planMpeg,
};

/**
 * Removes metadata from a staged temp file: locations, serial numbers, names, dates, comments, XMP, IPTC, previews.
 * Pixels, frames, sound, orientation, colours and animation stay bit-identical. JPEG, PNG, GIF and WebP are rewritten
 * from the parts known to belong to the picture. Formats with internal offsets are overwritten in place, and only an
 * unneeded tail is cut off. Memory use does not grow with the file. The call blocks the thread: run it in a media worker.
 *
 * docs/privacy.md lists what is kept.
 * @param path the temp file; after a failure it must not be stored, and no other file is left
 * @param type the type detected from the content
 * @throws ApiError DAMAGED_MEDIA for a file with an invalid structure, CUT_OFF_MEDIA for an image that ends too early;
 * file system errors
 */
export async function removeMetadata(path: string, type: MediaType): Promise<CleanMedia> {
  const source = await ByteSource.open(path);
  try {
    const plan = await planners[type](source, type).catch(throwAsDamaged);
    const bytes =
      "pieces" in plan
        ? await rewrite(path, source, plan.pieces)
        : await Promise.try(blank, path, plan.patches, plan.passes ?? [], source.budget).catch(
            throwAsDamaged,
          );
    return { bytes, ...factsOf(plan) };
  } finally {
    await source.close();
  }
}

/**
 * Reads the facts about a stored file without changing it. The file may be one whose metadata was removed before. Reads as
 * much of it as {@link removeMetadata} does before its changes. Run it in a media worker.
 * @throws ApiError DAMAGED_MEDIA for a file with an invalid structure; file system errors
 */
export async function readMediaFacts(path: string, type: MediaType): Promise<MediaFacts> {
  const source = await ByteSource.open(path);
  try {
    return factsOf(await planners[type](source, type).catch(throwAsDamaged));
  } finally {
    await source.close();
  }
}

/** Returns the facts of a plan without the plan. */
function factsOf({ orientation, size, decodedPixels, hasPicture, decoding, video }: MediaFacts): MediaFacts {
  return {
    orientation,
    size: recordableSize(size),
    decodedPixels,
    hasPicture,
    ...(decoding ? { decoding } : {}),
    ...(video ? { video } : {}),
  };
}

/** Maps errors from reads outside a buffer, which invalid structures cause, to DAMAGED_MEDIA. */
function throwAsDamaged(error: unknown): never {
  const isParseError = error instanceof RangeError || error instanceof TypeError;
  throw isParseError ? damaged(error.message) : error;
}
