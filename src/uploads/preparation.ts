import { rm } from "node:fs/promises";

import type { RenditionKind } from "../database/schema.ts";
import { ApiError, ValidationProblems } from "../errors.ts";
import { cutOff } from "../metadata/damaged.ts";
import type { FilmFacts, MediaFacts } from "../metadata/plan.ts";
import { requireWholePng } from "../renditions/large-png.ts";
import { readMediaFacts, removeMetadata } from "../metadata/remove-metadata.ts";
import { makePictures } from "../renditions/pictures.ts";
import { displayLongSide } from "../renditions/sizes.ts";
import { mediaTypes, type MediaType } from "../media-types.ts";
import { displayPath, filesBeside, thumbnailPath } from "./files-beside.ts";
import { badThumbnail, problem } from "./form-problems.ts";
import { maxDecoderBytes } from "../renditions/worker-memory.ts";

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
  /** Width and height in pixels as shown, after applying the orientation; null if the file does not tell. */
  readonly size: { readonly width: number; readonly height: number } | null;
  /** Length of a video; null for images and if the file does not tell. */
  readonly durationSeconds: number | null;
  /** Bytes of the WebP at {@link thumbnailPath}; null if none was made. */
  readonly thumbnail: number | null;
  /** A thumbhash in base64, made with the thumbnail. */
  readonly placeholder: string | null;
  /** Whether every current browser can show the file itself, and its size is right for the large view. */
  readonly isFitForDisplay: boolean;
  /** Renditions that remain to be made. */
  readonly missing: readonly RenditionKind[];
}

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
export interface StoredFilm {
  readonly path: string;
  readonly type: MediaType;
}

/** The result of {@link makeStoredPictures}: bytes of the WebP files, null for one that was not wanted or not needed. */
export interface MadePictures {
  readonly thumbnail: number | null;
  readonly display: number | null;
  readonly placeholder: string | null;
}

/** Pixels of a HEIC or AVIF that are decoded within a second: 12 million take some three. */
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
  if (!media.hasPicture) throw new ApiError("UNSUPPORTED_MEDIA");
  const preview = job.preview && (await makePreview(job.preview, path, thumbnail));
  const others = { bytes, size, durationSeconds: media.film?.durationSeconds ?? null };
  const none = { ...others, thumbnail: null, placeholder: null, ...preview, missing: [] };
  if (mediaTypes[type].kind === "video") {
    const isFitForDisplay = media.film?.isPlayable ?? false;
    const poster = preview?.thumbnail ? [] : ["poster" as const];
    return { ...none, isFitForDisplay, missing: [...poster, ...(isFitForDisplay ? [] : ["mp4" as const])] };
  }
  if (decodedPixels > maxImagePixels) {
    const msg = `Value error, the image has more than ${maxImagePixels / 1e6} million pixels`;
    throw new ValidationProblems([problem("file", "value_error", msg)]);
  }
  const isFitForDisplay = canShowInFull(type, media);
  if (decoderBytes(media) > maxDecoderBytes) {
    if (decoding?.mustBeChecked === "no end") throw cutOff("no end, and too large to be decoded");
    if (type === "image/png") await requireWholePng(path);
    return { ...none, isFitForDisplay };
  }
  if (!decoding && decodedPixels > maxQuickPixels) return { ...none, isFitForDisplay, missing: ["picture"] };
  // Decoded even if no thumbnail is wanted, to check that it can be.
  const made = await makePictures({ ...media, path, type }, { thumbnail, display: false }).catch((error) => {
    // Viewers may have decoders for more kinds of HEIC and AVIF than this program.
    if (decoding) throw error;
  });
  if (!made) return { ...none, isFitForDisplay };
  return {
    ...none,
    isFitForDisplay,
    thumbnail: made.thumbnail ? await Bun.write(thumbnailPath(path), made.thumbnail) : null,
    placeholder: made.placeholder ?? null,
    missing: isFitForDisplay ? [] : ["picture"],
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
    if (decoderBytes(image) > maxDecoderBytes) throw badThumbnail("the thumbnail has too many pixels");
    const { thumbnail, placeholder } = await makePictures(image, { thumbnail: isWanted, display: false });
    const bytes = thumbnail ? await Bun.write(thumbnailPath(uploadPath), thumbnail) : null;
    return { thumbnail: bytes, placeholder: placeholder ?? null };
  } catch (error) {
    throw error instanceof ApiError ? badThumbnail("the thumbnail is damaged") : error;
  }
}

/**
 * Whether the large view can show an image itself: every current browser has a decoder, and it is animated or has at most
 * {@link displayLongSide} pixels a side.
 */
function canShowInFull(type: MediaType, { size, decoding }: MediaFacts): boolean {
  if (type === "image/heic") return false;
  return decoding?.isAnimated === true || Math.max(size?.width ?? 0, size?.height ?? 0) <= displayLongSide;
}

/**
 * Makes renditions of a stored image, in a worker process. Makes none of an image that takes too much memory to decode.
 * @throws ApiError DAMAGED_MEDIA, CUT_OFF_MEDIA if it cannot be decoded; errors of the file system
 */
export async function makeStoredPictures(job: StoredImage): Promise<MadePictures> {
  const { path, type, output, thumbnail } = job;
  const media = await readMediaFacts(path, type);
  const display = job.display === "if needed" && !canShowInFull(type, media);
  if (!(thumbnail || display) || decoderBytes(media) > maxDecoderBytes)
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
export async function readStoredFilm({ path, type }: StoredFilm): Promise<FilmFacts> {
  const { film } = await readMediaFacts(path, type);
  return film ?? { durationSeconds: null, isPlayable: false };
}

/** Memory that decoding an image takes, as far as it is known. */
const decoderBytes = ({ decoding, decodedPixels }: MediaFacts) => decoding?.memoryBytes ?? decodedPixels * 4;
