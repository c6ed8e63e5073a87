import type { RawPicture } from "./raw-picture.ts";

/** The longest side that thumbhash accepts. */
const maxSide = 100;

/**
 * Returns a thumbhash of a picture in base64: about 25 bytes that clients can draw while the thumbnail loads
 * (https://evanw.github.io/thumbhash/).
 */
export async function placeholderOf(picture: RawPicture): Promise<string> {
  const { rgbaToThumbHash } = await import("thumbhash");
  const small = await picture.shrunk(maxSide);
  return rgbaToThumbHash(small.width, small.height, small.pixels()).toBase64();
}
