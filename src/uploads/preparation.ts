import { rm } from "node:fs/promises";

import type { RenditionKind } from "../database/schema.ts";
import { ApiError, ValidationProblems } from "../errors.ts";
import { cutOff, damaged } from "../metadata/damaged.ts";
import { readMediaFacts, removeMetadata } from "../metadata/remove-metadata.ts";
import { makePictures } from "../renditions/pictures.ts";
import { mediaTypes, noPictureDetail, type MediaType } from "../media-types.ts";
import { filesBeside, thumbnailPath } from "./files-beside.ts";
import { badThumbnail, problem } from "./form-problems.ts";
import { isFitForDisplay } from "../renditions/display-fitness.ts";
import { fitsDecoder } from "../renditions/worker-memory.ts";

/** A staged file and how to prepare it. */
export interface StagedMedia {
  /** The staged file. It is changed in place, and the files of {@link filesBeside} may appear next to it. */
  readonly path: string;
  /** Its type, detected from its first bytes. */
  readonly type: MediaType;
  /** Whether to make a thumbnail. */
  readonly thumbnail: boolean;
  /** The client's own image for a thumbnail, used if none can be made of the file itself within a second. */
  readonly preview?: { readonly path: string; readonly type: MediaType } | undefined;
}

/** Limits that the operator configures. */
export interface PreparationLimits {
  /** Limit for the pixels of an image: a small file can expand to gigabytes in the browsers of its viewers. */
  readonly maxImagePixels: number;
}

/** The result of {@link prepareMedia}. */
export interface Preparation {
  /** Size of the prepared file. */
  readonly bytes: number;
  /** Width and height in pixels as shown, after applying the orientation; null if the file does not say. */
  readonly size: { readonly width: number; readonly height: number } | null;
  /** Length of a video; null for images and if the file does not say. */
  readonly durationSeconds: number | null;
  /** Bytes of the WebP at {@link thumbnailPath}; null if none was made. */
  readonly thumbnail: number | null;
  /** A thumbhash in base64, made with the thumbnail; null without one. */
  readonly placeholder: string | null;
  /** Whether every current browser can show the file itself, and its size is right for the large view. */
  readonly isFitForDisplay: boolean;
  /** Renditions to make after the upload. */
  readonly missing: readonly RenditionKind[];
}

/** Pixels of a HEIC or AVIF that are decoded within a second. 12 million take about three seconds. */
const maxQuickPixels = 2_000_000;

/**
 * Prepares a staged file for storage: removes private metadata, measures the picture and makes a thumbnail where that is
 * quick. It parses untrusted files, so call it in a worker process, which has limits and can be killed. It is safe to repeat
 * afterwards.
 * @throws ApiError DAMAGED_MEDIA, also for an image that the decoder rejects; CUT_OFF_MEDIA for an incomplete image;
 * UNSUPPORTED_MEDIA for a video container without a picture; ValidationProblems for an image with too many pixels, and
 * for a preview that cannot be decoded; errors of the file system
 */
export async function prepareMedia(job: StagedMedia & PreparationLimits): Promise<Preparation> {
  const { path, type, thumbnail, maxImagePixels } = job;
  for (const orphan of filesBeside(path)) await rm(orphan, { force: true });
  const media = await removeMetadata(path, type);
  const { bytes, size, decodedPixels, decoding } = media;
  if (!media.hasPicture) throw new ApiError("UNSUPPORTED_MEDIA", { detail: noPictureDetail });
  const preview = job.preview && (await makePreview(job.preview, path, thumbnail));
  const others = { bytes, size, durationSeconds: media.video?.durationSeconds ?? null };
  const none = { ...others, thumbnail: null, placeholder: null, ...preview, missing: [] };
  if (mediaTypes[type].kind === "video") {
    const isPlayable = media.video?.isPlayable ?? false;
    const poster = preview?.thumbnail ? [] : ["poster" as const];
    const missing = [...poster, ...(isPlayable ? [] : ["mp4" as const])];
    return { ...none, isFitForDisplay: isPlayable, missing };
  }
  if (decodedPixels > maxImagePixels) {
    const msg = `Value error, the image has more than ${maxImagePixels / 1e6} million pixels`;
    throw new ValidationProblems([problem("file", "value_error", msg)]);
  }
  const isFit = isFitForDisplay(type, media);
  if (!fitsDecoder(media)) {
    if (decoding?.mustBeChecked === "no end") throw cutOff("no end, and too large to be decoded");
    if (decoding?.dataProblem === "cut off") throw cutOff("rows are missing");
    if (decoding?.dataProblem === "damaged") throw damaged("rows are damaged");
    return { ...none, isFitForDisplay: isFit };
  }
  if (!decoding && decodedPixels > maxQuickPixels)
    return { ...none, isFitForDisplay: isFit, missing: ["picture"] };
  // Decoded even if no thumbnail is wanted, to check that it can be.
  const made = await makePictures({ ...media, path, type }, { thumbnail, display: false }).catch((error) => {
    // Viewers may have decoders for more kinds of HEIC and AVIF than this program.
    if (decoding) throw error;
  });
  if (!made) return { ...none, isFitForDisplay: isFit };
  return {
    ...none,
    isFitForDisplay: isFit,
    thumbnail: made.thumbnail ? await Bun.write(thumbnailPath(path), made.thumbnail) : null,
    placeholder: made.placeholder ?? null,
    missing: isFit ? [] : ["picture"],
  };
}

/**
 * Makes the thumbnail of an upload from the client's own image.
 * @param isWanted false if the image is only to be checked
 * @throws ValidationProblems for an image that cannot be decoded
 */
async function makePreview(
  { path, type }: NonNullable<StagedMedia["preview"]>,
  uploadPath: string,
  isWanted: boolean,
): Promise<Pick<Preparation, "thumbnail" | "placeholder">> {
  try {
    const image = { ...(await readMediaFacts(path, type)), path, type };
    if (!fitsDecoder(image)) throw badThumbnail("the thumbnail has too many pixels");
    const { thumbnail, placeholder } = await makePictures(image, { thumbnail: isWanted, display: false });
    const bytes = thumbnail ? await Bun.write(thumbnailPath(uploadPath), thumbnail) : null;
    return { thumbnail: bytes, placeholder: placeholder ?? null };
  } catch (error) {
    throw error instanceof ApiError ? badThumbnail("the thumbnail is damaged") : error;
  }
}
