import type { BunFile } from "bun";

import { decodeCmyk } from "./cmyk-jpeg.ts";
import { conversionToSrgb, type SrgbConversion } from "../colour/srgb-conversion.ts";
import { cutOff, damaged } from "../metadata/damaged.ts";
import { requireWholeJpeg } from "./jpeg-completeness.ts";
import type { Orientation } from "../metadata/exif.ts";
import type { Frame, MediaFacts } from "../metadata/plan.ts";
import { RawPicture } from "./raw-picture.ts";
import type { MediaType } from "../media-types.ts";
import { firstWebpFrame } from "./webp-frames.ts";

/** Pixels on the long side. */
export const longSide = 640;
const quality = 80;

/** An image whose metadata was removed. */
export interface CleanImage extends MediaFacts {
  readonly path: string;
  readonly type: MediaType;
}

/** Bytes of an image, or the file that has them. */
type Source = BunFile | Buffer<ArrayBuffer>;

/**
 * Makes a small WebP of an image: upright, in sRGB, of an animation the first frame on its canvas.
 * @returns its bytes; undefined where this machine has no decoder for the format
 * @throws ApiError DAMAGED_MEDIA for an image that its decoder refuses, CUT_OFF_MEDIA for one of which a part is missing
 */
export async function makeThumbnail(image: CleanImage): Promise<Uint8Array | undefined> {
  const { path, type, orientation, decoding } = image;
  if (!decoding) return makeWithSystemDecoder(image);
  const decode = (source: Source) =>
    decodeSmall(source, image).catch((error: unknown) => {
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
  return picture.toImage().webp({ quality }).bytes();
}

const bytesOf = async (source: Source) =>
  Buffer.isBuffer(source) ? source : Buffer.from(await source.bytes());

async function makeWithSystemDecoder({ path, decodedPixels }: CleanImage): Promise<Uint8Array | undefined> {
  try {
    const image = new Bun.Image(Bun.file(path), { maxPixels: decodedPixels });
    return await shrink(image).webp({ quality }).bytes();
  } catch {
    return undefined;
  }
}

/** An image upright and small, and what makes its colours sRGB. */
interface SmallPicture {
  readonly picture: RawPicture;
  readonly toSrgb: SrgbConversion | undefined;
}

async function decodeSmall(source: Source, image: CleanImage): Promise<SmallPicture> {
  const { components = 3, colours } = image.decoding ?? {};
  const toSrgb = colours && conversionToSrgb(colours, components);
  if (!toSrgb || components < 4) return { picture: await decodePixels(source, image), toSrgb };
  const inks = await decodeCmyk(await bytesOf(source), (bytes) => decodePixels(bytes, image));
  if (inks) return { picture: inks, toSrgb };
  return { picture: await decodePixels(source, image), toSrgb: undefined };
}

/** Decodes an image to the pixels of its thumbnail, in its own colours. */
async function decodePixels(source: Source, image: CleanImage): Promise<RawPicture> {
  const { type, orientation, decodedPixels, size, decoding } = image;
  const whole = new Bun.Image(source, { maxPixels: decodedPixels });
  const frame = decoding?.firstFrame;
  if (frame && size) {
    const { width, height } = await whole.metadata();
    // System decoders hand out the whole canvas.
    if (width === frame.width && height === frame.height) return decodeOnCanvas(whole, frame, size);
  }
  // Bun.Image itself turns JPEG only.
  return RawPicture.decode(shrink(type === "image/jpeg" ? whole : turn(whole, orientation)));
}

const shrink = (image: Bun.Image) =>
  image.resize(longSide, longSide, { fit: "inside", withoutEnlargement: true });

/** Decodes a frame and puts it where it belongs on its canvas, both made smaller by the same factor. */
async function decodeOnCanvas(
  image: Bun.Image,
  frame: Frame,
  canvas: { readonly width: number; readonly height: number },
): Promise<RawPicture> {
  const scale = Math.min(1, longSide / Math.max(canvas.width, canvas.height));
  const scaled = (pixels: number) => Math.max(1, Math.round(pixels * scale));
  const [left, top] = [Math.round(frame.x * scale), Math.round(frame.y * scale)];
  const [width, height] = [scaled(frame.width), scaled(frame.height)];
  const small = await RawPicture.decode(image.resize(width, height));
  const whole = RawPicture.transparent(scaled(canvas.width), scaled(canvas.height));
  whole.place(small, Math.min(left, whole.width - 1), Math.min(top, whole.height - 1));
  return whole;
}

/** EXIF's eight orientations (CIPA DC-008, 4.6.5.1.6) as a turn clockwise, and whether to mirror. Bun turns first. */
function turn(image: Bun.Image, orientation: Orientation): Bun.Image {
  const degrees = { 1: 0, 2: 0, 3: 180, 4: 180, 5: 90, 6: 90, 7: 270, 8: 270 }[orientation];
  const mirrored = [2, 4, 5, 7].includes(orientation);
  const flopped = mirrored ? image.flop() : image;
  return degrees === 0 ? flopped : flopped.rotate(degrees);
}
