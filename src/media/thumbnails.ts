import { createGate } from "../gate.ts";
import type { StorableFile } from "./store.ts";
import type { Orientation } from "./privacy/exif.ts";
import type { MediaType } from "./types.ts";

/** Pixels that an image may have: a small file can unfold to gigabytes. */
export const maxPixels = 50_000_000;

/** Pixels on the long side. */
const longSide = 640;

/** Each takes a core and the memory of a decoded picture. Who waits waits in his own upload, so the queue needs no end. */
const gate = createGate({ concurrency: 2, queueLimit: Number.MAX_SAFE_INTEGER });

/**
 * Makes a small WebP of an image, off the JavaScript thread.
 * @param path of the image; the thumbnail is written beside it, and is the caller's to remove
 * @param orientation how the stored pixels are to be turned; Bun.Image itself turns JPEG only
 * @returns undefined where there can be none: this machine cannot decode the format, or the picture is damaged
 */
export async function makeThumbnail(
  path: string,
  type: MediaType,
  orientation: Orientation,
): Promise<StorableFile | undefined> {
  return gate.pass(async () => {
    const small = `${path}.thumb`;
    let source: Uint8Array<ArrayBuffer> | undefined;
    try {
      source = await Bun.file(path).bytes();
      const image = new Bun.Image(source, { maxPixels });
      const upright = type === "image/jpeg" ? image : turn(image, orientation);
      const bytes = await upright
        .resize(longSide, longSide, { fit: "inside", withoutEnlargement: true })
        .webp({ quality: 80 })
        .bytes();
      await Bun.write(small, bytes);
      return { file: Bun.file(small), contentType: "image/webp", bytes: bytes.length };
    } catch {
      return undefined;
    } finally {
      // Left to the collector, the files of fifty uploads were 100 MB; collecting after each cost 20 ms.
      source?.buffer.transfer(0);
    }
  });
}

/** EXIF's eight orientations (CIPA DC-008, 4.6.5.1.6) as a turn clockwise, and whether to mirror. Bun turns first. */
function turn(image: Bun.Image, orientation: Orientation): Bun.Image {
  const degrees = { 1: 0, 2: 0, 3: 180, 4: 180, 5: 90, 6: 90, 7: 270, 8: 270 }[orientation];
  const mirrored = [2, 4, 5, 7].includes(orientation);
  const flopped = mirrored ? image.flop() : image;
  return degrees === 0 ? flopped : flopped.rotate(degrees);
}
