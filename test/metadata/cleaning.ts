import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ApiError } from "../../src/errors.ts";
import { removeMetadata, type CleanMedia } from "../../src/metadata/remove-metadata.ts";
import { RawPicture } from "../../src/renditions/raw-picture.ts";
import type { MediaType } from "../../src/media-types.ts";

/** Cleans a temporary file with these bytes; also returns the files that remain. */
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

/** Types whose files are rewritten; all others keep their size, or are truncated. */
const rewritten = new Set<MediaType>(["image/jpeg", "image/png", "image/gif", "image/webp"]);

/** Returns "cleaned" or the code of the API error; throws any other error. */
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

/** Decodes a picture to pixels that can be compared. */
export async function pixels(bytes: Uint8Array): Promise<Buffer> {
  return (await RawPicture.decode(new Bun.Image(bytes))).rows;
}

/** Whether the bytes contain the word `secret`, which marks personal data in samples. */
export function leaks(bytes: Buffer): boolean {
  return bytes.toString("latin1").toLowerCase().includes("secret");
}
