import { damaged } from "./damaged.ts";
import type { Orientation } from "./privacy/exif.ts";
import type { MediaType } from "./types.ts";

/** Pixels that an image may have: a small file can unfold to gigabytes. */
export const maxPixels = 50_000_000;

/** Pixels on the long side. */
const longSide = 640;

/** Formats that the decoder knows on every system. */
const decodable: ReadonlySet<MediaType> = new Set(["image/jpeg", "image/png", "image/gif", "image/webp"]);

/**
 * Makes a small WebP of an image.
 * @param orientation how the stored pixels are to be turned; Bun.Image itself turns JPEG only
 * @returns its bytes; undefined where this machine has no decoder for the format
 * @throws ApiError DAMAGED_MEDIA for an image that its decoder refuses
 */
export async function makeThumbnail(
  path: string,
  type: MediaType,
  orientation: Orientation,
): Promise<Uint8Array | undefined> {
  try {
    const image = new Bun.Image(Bun.file(path), { maxPixels });
    const upright = type === "image/jpeg" ? image : turn(image, orientation);
    return await upright
      .resize(longSide, longSide, { fit: "inside", withoutEnlargement: true })
      .webp({ quality: 80 })
      .bytes();
  } catch (error) {
    if (!decodable.has(type)) return undefined;
    throw damaged(`not decodable: ${String(error)}`);
  }
}

/** EXIF's eight orientations (CIPA DC-008, 4.6.5.1.6) as a turn clockwise, and whether to mirror. Bun turns first. */
function turn(image: Bun.Image, orientation: Orientation): Bun.Image {
  const degrees = { 1: 0, 2: 0, 3: 180, 4: 180, 5: 90, 6: 90, 7: 270, 8: 270 }[orientation];
  const mirrored = [2, 4, 5, 7].includes(orientation);
  const flopped = mirrored ? image.flop() : image;
  return degrees === 0 ? flopped : flopped.rotate(degrees);
}
