import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ApiError } from "../../src/errors.ts";
import { removeMetadata, type CleanMedia } from "../../src/metadata/remove-metadata.ts";
import { RawPicture } from "../../src/renditions/raw-picture.ts";
import type { MediaType } from "../../src/media-types.ts";

/** Runs the cleaning on a temp file with these bytes; says too which files were left. */
export async function clean(
  bytes: Uint8Array,
  type: MediaType,
): Promise<{ bytes: Buffer; facts: CleanMedia; left: string[] }> {
  return inTempFolder(async (folder) => {
    const path = join(folder, "upload");
    await Bun.write(path, bytes);
    const facts = await removeMetadata(path, type);
    return { bytes: Buffer.from(await Bun.file(path).bytes()), facts, left: await readdir(folder) };
  });
}

/** Types that are written anew; all others keep their size, or lose what nothing needs at their end. */
const rewritten = new Set<MediaType>(["image/jpeg", "image/png", "image/gif", "image/webp"]);

/** "cleaned", or the code of the error it was refused with; any other error is passed on. */
export async function outcome(bytes: Uint8Array, type: MediaType): Promise<string> {
  return inTempFolder(async (folder) => {
    const path = join(folder, "upload");
    await Bun.write(path, bytes);
    const result = await removeMetadata(path, type).then(
      (facts) => {
        const { size } = Bun.file(path);
        const isRight = facts.bytes === size && (rewritten.has(type) || size <= bytes.length);
        return isRight ? "cleaned" : `${size} bytes instead of ${facts.bytes}`;
      },
      (error: unknown) => {
        if (error instanceof ApiError) return error.code;
        throw error;
      },
    );
    const left = await readdir(folder);
    return left.length === 1 ? result : `left ${left.join()}`;
  });
}

export async function inTempFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "image-sharing-privacy-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The pixels of a picture as a decoder makes them, in a form that compares. */
export async function pixels(bytes: Uint8Array): Promise<Buffer> {
  return (await RawPicture.decode(new Bun.Image(bytes))).rows;
}

/** Searches the raw bytes: whatever is marked `secret` in a sample must not be in what is stored. */
export function leaks(bytes: Buffer): boolean {
  return bytes.toString("latin1").toLowerCase().includes("secret");
}
