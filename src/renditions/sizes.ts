import { displayLongSide, panoramaLongSide, thumbnailLongSide, thumbnailShortSide } from "../limits.ts";

/** Width and height in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * Returns the size of an image's thumbnail: 4,000×3,000 becomes 640×480, 3,000×1,000 becomes 960×320, 8,000×500 becomes
 * 1,600×100. Never larger than the image.
 */
export function thumbnailSize(image: Size): Size {
  const long = Math.max(image.width, image.height);
  const short = Math.min(image.width, image.height);
  const extended = Math.min(thumbnailShortSide / short, panoramaLongSide / long);
  return scaled(image, Math.max(thumbnailLongSide / long, extended));
}

/** Returns the display size of an image. Never larger than the image. */
export const displaySize = (image: Size): Size =>
  scaled(image, displayLongSide / Math.max(image.width, image.height));

/** Scales a size down, to at least one pixel each way. A scale above 1 leaves it as it is. */
export function scaled({ width, height }: Size, scale: number): Size {
  const side = (pixels: number) => Math.max(1, Math.round(pixels * Math.min(1, scale)));
  return { width: side(width), height: side(height) };
}
