import type { BunFile } from "bun";

import { CannotDecode } from "./decoders/cannot-decode.ts";
import { decodeCmyk } from "./cmyk-jpeg.ts";
import { conversionToSrgb, type SrgbConversion } from "../colour/srgb-conversion.ts";
import { cutOff, damaged } from "../metadata/damaged.ts";
import { requireWholeJpeg } from "./jpeg-completeness.ts";
import type { Orientation } from "../metadata/exif.ts";
import type { Frame, MediaFacts } from "../metadata/plan.ts";
import { RawPicture, shrink } from "./raw-picture.ts";
import { scaled, type Size } from "./sizes.ts";
import type { MediaType } from "../media-types.ts";
import { maxDecoderBytes } from "./worker-memory.ts";
import { firstWebpFrame } from "./webp-frames.ts";

/** An image after removal of its metadata. */
export interface CleanImage extends MediaFacts {
  readonly path: string;
  readonly type: MediaType;
}

/** An image in memory or in a file. */
type Source = BunFile | Buffer<ArrayBuffer>;

/**
 * Decodes an image: upright, in sRGB. Of an animation, the picture is the first frame on its canvas.
 * @param longSide limit for the longer side in pixels; the picture is never enlarged
 * @throws ApiError DAMAGED_MEDIA for an image that its decoder rejects, CUT_OFF_MEDIA for an incomplete image
 */
export async function decodePicture(image: CleanImage, longSide: number): Promise<RawPicture> {
  const { path, type, orientation, decoding } = image;
  if (!decoding) return decodeWithWasm(image, longSide);
  const decode = (source: Source) =>
    decodeSmall(source, image, longSide).catch((error: unknown) => {
      throw (decoding.mustBeChecked === "no end" ? cutOff : damaged)(`not decodable: ${String(error)}`);
    });
  const { picture, toSrgb } = await decode(
    type === "image/webp" ? await firstWebpFrame(path) : Bun.file(path),
  );
  if (type === "image/jpeg") {
    const decodeAgain = async (bytes: Buffer<ArrayBuffer>) => (await decode(bytes)).picture;
    await requireWholeJpeg(path, picture, decoding, orientation, decodeAgain);
  }
  if (toSrgb) picture.forEach(toSrgb);
  return picture;
}

const bytesOf = async (source: Source) =>
  Buffer.isBuffer(source) ? source : Buffer.from(await source.bytes());

/** @throws ApiError DAMAGED_MEDIA also if there is no decoder for the image's coding, or it needs too much memory */
async function decodeWithWasm({ path }: CleanImage, longSide: number): Promise<RawPicture> {
  const { decodeHeif } = await import("./decoders/heif.ts");
  const { picture, colours } = await decodeHeif(path, {
    longSide,
    maxBytes: maxDecoderBytes,
  }).catch((error: unknown) => {
    throw error instanceof CannotDecode ? damaged(error.message) : error;
  });
  const toSrgb = colours && conversionToSrgb(colours, 3);
  if (toSrgb) picture.forEach(toSrgb);
  return picture;
}

/** A picture in the colours of its image, and the conversion to sRGB. */
interface SmallPicture {
  readonly picture: RawPicture;
  readonly toSrgb: SrgbConversion | undefined;
}

async function decodeSmall(source: Source, image: CleanImage, longSide: number): Promise<SmallPicture> {
  const { components = 3, colours } = image.decoding ?? {};
  const toSrgb = colours && conversionToSrgb(colours, components);
  if (!toSrgb || components < 4) return { picture: await decodePixels(source, image, longSide), toSrgb };
  const inks = await decodeCmyk(await bytesOf(source), (bytes) => decodePixels(bytes, image, longSide));
  if (inks) return { picture: inks, toSrgb };
  return { picture: await decodePixels(source, image, longSide), toSrgb: undefined };
}

/** Decodes an image at this size, in its own colours. */
async function decodePixels(source: Source, image: CleanImage, longSide: number): Promise<RawPicture> {
  const { type, orientation, decodedPixels, size, decoding } = image;
  const whole = new Bun.Image(source, { maxPixels: decodedPixels });
  const frame = decoding?.firstFrame;
  if (frame && size) {
    const { width, height } = await whole.metadata();
    // System decoders return the whole canvas instead of the frame.
    if (width === frame.width && height === frame.height) return decodeOnCanvas(whole, frame, size, longSide);
  }
  // Bun.Image applies the orientation of JPEG only.
  return RawPicture.decode(shrink(type === "image/jpeg" ? whole : turn(whole, orientation), longSide));
}

/** Decodes a frame and places it on its canvas, both scaled by the same factor. */
async function decodeOnCanvas(
  image: Bun.Image,
  frame: Frame,
  canvas: Size,
  longSide: number,
): Promise<RawPicture> {
  const scale = Math.min(1, longSide / Math.max(canvas.width, canvas.height));
  const [left, top] = [Math.round(frame.x * scale), Math.round(frame.y * scale)];
  const { width, height } = scaled(frame, scale);
  const small = await RawPicture.decode(image.resize(width, height));
  const whole = RawPicture.transparent(scaled(canvas, scale));
  whole.place(small, Math.min(left, whole.width - 1), Math.min(top, whole.height - 1));
  return whole;
}

/**
 * Applies an EXIF orientation (CIPA DC-008, section 4.6.5.1.6). Bun rotates before it mirrors, in any order of calls.
 */
function turn(image: Bun.Image, orientation: Orientation): Bun.Image {
  const degrees = { 1: 0, 2: 0, 3: 180, 4: 180, 5: 90, 6: 90, 7: 270, 8: 270 }[orientation];
  const mirrored = [2, 4, 5, 7].includes(orientation);
  const flopped = mirrored ? image.flop() : image;
  return degrees === 0 ? flopped : flopped.rotate(degrees);
}
