import { displayLongSide } from "../limits.ts";
import { decodePicture, type CleanImage } from "./decode-picture.ts";
import { placeholderOf } from "./placeholder.ts";
import type { RawPicture } from "./raw-picture.ts";
import { thumbnailSize } from "./sizes.ts";

const quality = 80;

/** Which renditions of an image to make. */
export interface WantedPictures {
  readonly thumbnail: boolean;
  readonly display: boolean;
}

/** Renditions of an image: WebP, upright, in sRGB. */
export interface Pictures {
  readonly thumbnail: Uint8Array | undefined;
  /** A thumbhash of the thumbnail, in base64; made with it. */
  readonly placeholder: string | undefined;
  readonly display: Uint8Array | undefined;
}

/**
 * Makes renditions of an image. It is decoded even if none is wanted, as a check. Renditions of an animation show its first
 * frame on its canvas.
 * @throws ApiError DAMAGED_MEDIA for an image that its decoder rejects, CUT_OFF_MEDIA for an incomplete image
 */
export async function makePictures(image: CleanImage, wanted: WantedPictures): Promise<Pictures> {
  const thumbnailSide = thumbnailLongSideOf(image);
  const picture = await decodePicture(image, wanted.display ? displayLongSide : thumbnailSide);
  const small = wanted.thumbnail && (await picture.shrunk(thumbnailSide));
  return {
    thumbnail: small ? await webp(small) : undefined,
    placeholder: small ? await placeholderOf(small) : undefined,
    display: wanted.display ? await webp(picture) : undefined,
  };
}

/** The longest side of an image's thumbnail. */
function thumbnailLongSideOf({ size }: CleanImage): number {
  const { width, height } = thumbnailSize(size ?? { width: 1, height: 1 });
  return Math.max(width, height);
}

const webp = (picture: RawPicture) => picture.toImage().webp({ quality }).bytes();
