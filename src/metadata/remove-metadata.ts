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
import type { Blanking, MediaFacts, Rewriting } from "./plan.ts";
import { planPng } from "./png/png.ts";
import { rewrite } from "./rewrite.ts";
import { planWebp } from "./webp.ts";

/** The file as it may be stored. */
export interface CleanMedia extends MediaFacts {
  /** Size of the file now. */
  readonly bytes: number;
}

const planners: Readonly<Record<MediaType, (source: ByteSource) => Promise<Rewriting | Blanking>>> = {
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
 * Takes out of a staged temp file what its maker did not mean to share: place, serial numbers, names, dates,
 * comments, XMP, IPTC, previews. What is shown stays bit by bit: pixels, frames, sound, orientation, colours, animation.
 * JPEG, PNG, GIF and WebP are written anew from what is known to belong to the picture and take the old file's place;
 * the containers, full of offsets, are blanked in place and keep their size, but for what nothing needs at their end.
 * Memory does not grow with the file. Blanking blocks the thread: run it in a media worker.
 *
 * docs/privacy.md says what stays.
 * @param path the temp file; after a failure it is not to be stored, and no other file is left
 * @param type what it really is
 * @throws ApiError DAMAGED_MEDIA for a file that lies about its structure, CUT_OFF_MEDIA for an image that ends too early;
 * the file system's own errors
 */
export async function removeMetadata(path: string, type: MediaType): Promise<CleanMedia> {
  const source = await ByteSource.open(path);
  try {
    const plan = await planners[type](source).catch(tellDamage);
    const { orientation, size, decodedPixels, hasPicture, decoding } = plan;
    const bytes =
      "pieces" in plan
        ? await rewrite(path, source, plan.pieces)
        : await Promise.try(blank, path, plan.patches, plan.passes ?? [], source.budget).catch(tellDamage);
    return { bytes, orientation, size, decodedPixels, hasPicture, ...(decoding ? { decoding } : {}) };
  } finally {
    await source.close();
  }
}

/** Structures that end too early, or hold impossible numbers, make their reader step outside of a buffer. */
function tellDamage(error: unknown): never {
  const isOfReading = error instanceof RangeError || error instanceof TypeError;
  throw isOfReading ? damaged(error.message) : error;
}
