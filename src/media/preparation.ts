import { rm } from "node:fs/promises";

import { ApiError, ValidationProblems } from "../errors.ts";
import { removeMetadata } from "./privacy/remove-metadata.ts";
import { makeThumbnail, maxPixels } from "./thumbnails.ts";
import { mediaTypes, type MediaType } from "./types.ts";

/** A staged file, and what to do with it. */
export interface PreparationJob {
  /** Of the staged file; it is changed in place, and the files of {@link filesBeside} may appear next to it. */
  readonly path: string;
  /** What it is, by its first bytes. */
  readonly type: MediaType;
  /** Whether a thumbnail is wanted. */
  readonly thumbnail: boolean;
}

/** The result of a {@link PreparationJob}. */
export interface Preparation {
  /** Size of the file now. */
  readonly bytes: number;
  /** Pixels as shown, turned by its orientation; null where the file does not tell. */
  readonly size: { readonly width: number; readonly height: number } | null;
  /** Bytes of the WebP at {@link thumbnailPath}; null for a video, where none was wanted, or where there can be none. */
  readonly thumbnailBytes: number | null;
}

/** Where the thumbnail of a staged file is written. */
export const thumbnailPath = (path: string): string => `${path}.thumb`;

/** Every file that may lie beside a staged one, also after its preparation was killed in the middle. */
export const filesBeside = (path: string): string[] => [thumbnailPath(path), `${path}.clean`];

/**
 * Makes a staged file fit to be stored: removes private metadata, measures and decodes it. It parses what a stranger sent:
 * to be called in a worker process only, which has limits and can be killed. Safe to repeat after that.
 * @throws ApiError DAMAGED_MEDIA also for an image that the decoder refuses, UNSUPPORTED_MEDIA for a video container
 * without a picture; ValidationProblems for an image of too many pixels; the file system's errors
 */
export async function prepareMedia({ path, type, thumbnail }: PreparationJob): Promise<Preparation> {
  for (const leftover of filesBeside(path)) await rm(leftover, { force: true });
  const { bytes, size, decodedPixels, hasPicture, orientation } = await removeMetadata(path, type);
  if (!hasPicture) throw new ApiError("UNSUPPORTED_MEDIA");
  if (mediaTypes[type].kind === "video") return { bytes, size, thumbnailBytes: null };
  if (decodedPixels > maxPixels) {
    const msg = `Value error, the image has more than ${maxPixels / 1e6} million pixels`;
    throw new ValidationProblems([{ type: "value_error", loc: ["body", "file"], msg }]);
  }
  // Made even where it is not wanted, to find out whether the picture can be decoded.
  const small = await makeThumbnail(path, type, orientation);
  if (!small || !thumbnail) return { bytes, size, thumbnailBytes: null };
  return { bytes, size, thumbnailBytes: await Bun.write(thumbnailPath(path), small) };
}
