import { rm } from "node:fs/promises";

import { ApiError, ValidationProblems } from "../errors.ts";
import { cutOff } from "../metadata/damaged.ts";
import { requireWholePng } from "../renditions/large-png.ts";
import { removeMetadata } from "../metadata/remove-metadata.ts";
import { makeThumbnail } from "../renditions/thumbnails.ts";
import { mediaTypes, type MediaType } from "../media-types.ts";

/** A staged file, and what is wanted of it. */
export interface StagedMedia {
  /** Of the staged file; it is changed in place, and the files of {@link filesBeside} may appear next to it. */
  readonly path: string;
  /** What it is, by its first bytes. */
  readonly type: MediaType;
  /** Whether a thumbnail is wanted. */
  readonly thumbnail: boolean;
}

/** Limits of the operator. */
export interface PreparationLimits {
  /** Pixels that an image may have: a small file can unfold to gigabytes in everybody's browser. */
  readonly maxImagePixels: number;
}

/** What a media worker is asked to do. */
export interface PreparationJob extends StagedMedia, PreparationLimits {}

/** What was made of it. */
export interface Preparation {
  /** Size of the file now. */
  readonly bytes: number;
  /** Pixels as shown, turned by its orientation; null where the file does not tell. */
  readonly size: { readonly width: number; readonly height: number } | null;
  /**
   * Bytes of the WebP at {@link thumbnailPath}; `original` for an image that there is no decoder for here, which
   * stands in for its own thumbnail; null for a video, for an image that is too large to be decoded, and where no
   * thumbnail was wanted.
   */
  readonly thumbnail: number | "original" | null;
}

/**
 * Memory for decoding one image, about; the rest of a media worker needs less than 200 MB. It is enough for 108
 * megapixels of PNG or WebP, the largest size that phones commonly make, for 140 of a progressive JPEG, and for any
 * number of a usual one.
 */
const maxDecoderBytes = 460_000_000;

/** Where the thumbnail of a staged file is written. */
export const thumbnailPath = (path: string): string => `${path}.thumb`;

/** Every file that may lie beside a staged one, also after its preparation was killed in the middle. */
export const filesBeside = (path: string): string[] => [thumbnailPath(path), `${path}.clean`];

/**
 * Makes a staged file fit to be stored: removes private metadata, measures and decodes it. It parses what a stranger sent:
 * to be called in a worker process only, which has limits and can be killed. Safe to repeat after that.
 * @throws ApiError DAMAGED_MEDIA also for an image that the decoder refuses, CUT_OFF_MEDIA for one of which a part is
 * missing, UNSUPPORTED_MEDIA for a video container without a picture; ValidationProblems for an image of too many pixels;
 * the file system's errors
 */
export async function prepareMedia(job: PreparationJob): Promise<Preparation> {
  const { path, type, thumbnail, maxImagePixels } = job;
  for (const leftover of filesBeside(path)) await rm(leftover, { force: true });
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
  // Made even where nobody wants it: it tells whether the picture can be decoded.
  const small = await makeThumbnail({ ...media, path, type });
  if (!thumbnail) return { bytes, size, thumbnail: null };
  if (!small) return { bytes, size, thumbnail: "original" };
  return { bytes, size, thumbnail: await Bun.write(thumbnailPath(path), small) };
}
