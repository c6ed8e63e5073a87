import { rm } from "node:fs/promises";

import { ApiError, ValidationProblems } from "../errors.ts";
import { cutOff } from "../metadata/damaged.ts";
import { requireWholePng } from "../renditions/large-png.ts";
import { removeMetadata } from "../metadata/remove-metadata.ts";
import { makeThumbnail } from "../renditions/thumbnails.ts";
import { mediaTypes, type MediaType } from "../media-types.ts";
import { maxDecoderBytes } from "./worker-memory.ts";

/** A staged file and how to prepare it. */
export interface StagedMedia {
  /** The staged file. It is changed in place, and the files of {@link filesBeside} may appear next to it. */
  readonly path: string;
  /** Its type, detected from its first bytes. */
  readonly type: MediaType;
  /** Whether to make a thumbnail. */
  readonly thumbnail: boolean;
}

/** Limits that the operator configures. */
export interface PreparationLimits {
  /** Limit for the pixels of an image: a small file can expand to gigabytes in the browsers of its viewers. */
  readonly maxImagePixels: number;
}

/** A job for a media worker. */
export interface PreparationJob extends StagedMedia, PreparationLimits {}

/** The result of a job. */
export interface Preparation {
  /** Size of the prepared file. */
  readonly bytes: number;
  /** Width and height in pixels as shown, after applying the orientation; null if the file does not tell. */
  readonly size: { readonly width: number; readonly height: number } | null;
  /**
   * Bytes of the WebP at {@link thumbnailPath}; `original` for an image without a decoder on this machine, which serves
   * as its own thumbnail; null for a video, for an image that is too large to decode, and if no thumbnail was
   * requested.
   */
  readonly thumbnail: number | "original" | null;
}

/** Returns the path of the thumbnail of a staged file. */
export const thumbnailPath = (path: string): string => `${path}.thumb`;

/** Returns every file that may exist next to a staged one, even after its preparation was killed. */
export const filesBeside = (path: string): string[] => [thumbnailPath(path), `${path}.clean`];

/**
 * Prepares a staged file for storage: removes private metadata, measures the picture and makes a thumbnail. It parses
 * untrusted files, so call it in a worker process, which has limits and can be killed. It is safe to repeat afterwards.
 * @throws ApiError DAMAGED_MEDIA, also for an image that the decoder rejects; CUT_OFF_MEDIA for an incomplete image;
 * UNSUPPORTED_MEDIA for a video container without a picture; ValidationProblems for an image with too many pixels;
 * errors of the file system
 */
export async function prepareMedia(job: PreparationJob): Promise<Preparation> {
  const { path, type, thumbnail, maxImagePixels } = job;
  for (const orphan of filesBeside(path)) await rm(orphan, { force: true });
  const media = await removeMetadata(path, type);
  const { bytes, size, decodedPixels, decoding } = media;
  if (!media.hasPicture) throw new ApiError("UNSUPPORTED_MEDIA");
  if (mediaTypes[type].kind === "video") return { bytes, size, thumbnail: null };
  if (decodedPixels > maxImagePixels) {
    const msg = `Value error, the image has more than ${maxImagePixels / 1e6} million pixels`;
    throw new ValidationProblems([{ type: "value_error", loc: ["body", "file"], msg }]);
  }
  if ((decoding?.memoryBytes ?? decodedPixels * 4) > maxDecoderBytes) {
    if (decoding?.mustBeChecked === "no end") throw cutOff("no end, and too large to be decoded");
    if (type === "image/png") await requireWholePng(path);
    return { bytes, size, thumbnail: null };
  }
  // Made even if not requested, to check that the picture can be decoded.
  const small = await makeThumbnail({ ...media, path, type });
  if (!thumbnail) return { bytes, size, thumbnail: null };
  if (!small) return { bytes, size, thumbnail: "original" };
  return { bytes, size, thumbnail: await Bun.write(thumbnailPath(path), small) };
}
