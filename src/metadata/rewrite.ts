import { open, rename, rm } from "node:fs/promises";

import type { ByteSource } from "./byte-source.ts";
import type { Piece } from "./plan.ts";

const copyBufferBytes = 1024 * 1024;

/**
 * Replaces the file at `path` with one assembled from the pieces. On failure the old file is unchanged and the new one is
 * deleted.
 * @returns the size of the new file, in bytes
 * @throws file system errors
 */
export async function rewrite(path: string, source: ByteSource, pieces: readonly Piece[]): Promise<number> {
  const first = pieces[0];
  const isUnchanged =
    pieces.length === 1 && first && !(first instanceof Uint8Array) && first.length === source.size;
  if (isUnchanged) return source.size;
  const newPath = `${path}.clean`;
  try {
    const bytes = await writePieces(newPath, source, pieces);
    await rename(newPath, path);
    return bytes;
  } catch (error) {
    await rm(newPath, { force: true }).catch(() => {});
    throw error;
  }
}

async function writePieces(path: string, source: ByteSource, pieces: readonly Piece[]): Promise<number> {
  const target = await open(path, "wx", 0o600);
  const buffer = Buffer.allocUnsafeSlow(copyBufferBytes);
  try {
    let buffered = 0;
    let written = 0;
    const flush = async () => {
      await target.writeFile(buffer.subarray(0, buffered));
      written += buffered;
      buffered = 0;
    };
    for (const piece of pieces) {
      let copied = 0;
      while (copied < piece.length) {
        if (buffered === buffer.length) await flush();
        const length = Math.min(piece.length - copied, buffer.length - buffered);
        if (piece instanceof Uint8Array) buffer.set(piece.subarray(copied, copied + length), buffered);
        else await source.readInto(buffer.subarray(buffered, buffered + length), piece.offset + copied);
        copied += length;
        buffered += length;
      }
    }
    await flush();
    return written;
  } finally {
    // Free the memory now: buffers of many uploads would pile up until garbage collection.
    buffer.buffer.transfer(0);
    await target.close();
  }
}
