import { ApiError, ValidationProblems } from "../errors.ts";
import type { MediaType } from "./types.ts";

/** Pixels that an image may have: a small file can unfold to gigabytes. */
export const maxPixels = 50_000_000;

const decodable: ReadonlySet<MediaType> = new Set(["image/jpeg", "image/png", "image/gif", "image/webp"]);

/**
 * Width and height of an image as its header has them; undefined where this machine cannot read the format.
 * @throws ApiError UNSUPPORTED_MEDIA for what has the first bytes of an image and no more; ValidationProblems for one
 * of too many pixels
 */
export async function readImageSize(
  path: string,
  type: MediaType,
): Promise<{ width: number; height: number } | undefined> {
  if (!decodable.has(type)) return undefined;
  const { width, height } = await new Bun.Image(Bun.file(path)).metadata().catch((cause: unknown) => {
    throw new ApiError("UNSUPPORTED_MEDIA", { cause });
  });
  if (width * height > maxPixels) {
    const msg = `Value error, the image has more than ${maxPixels / 1e6} million pixels`;
    throw new ValidationProblems([{ type: "value_error", loc: ["body", "file"], msg }]);
  }
  return { width, height };
}
