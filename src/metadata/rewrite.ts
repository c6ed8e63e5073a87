import { open, rename, rm } from "node:fs/promises";

import type { ByteSource } from "./byte-source.ts";
import type { Piece } from "./plan.ts";

const copiedAtOnce = 1024 * 1024;

/**
 * Puts a file made of the pieces in the place of the one at `path`, and returns its size in bytes. Whatever fails, the
 * old file is as it was and no other is left.
 * @throws the file system's errors
 */
export async function rewrite(path: string, source: ByteSource, pieces: readonly Piece[]): Promise<number> {
  const first = pieces[0];
  const unchanged =
    pieces.length === 1 && first && !(first instanceof Uint8Array) && first.length === source.size;
  if (unchanged) return source.size;
  const fresh = `${path}.clean`;
  try {
    const bytes = await writePieces(fresh, source, pieces);
    await rename(fresh, path);
    return bytes;
  } catch (error) {
    await rm(fresh, { force: true }).catch(() => {});
    throw error;
  }
}

async function writePieces(path: string, source: ByteSource, pieces: readonly Piece[]): Promise<number> {
  const target = await open(path, "wx", 0o600);
  const buffer = Buffer.allocUnsafeSlow(copiedAtOnce);
  try {
    let waiting = 0;
    let written = 0;
    const flush = async () => {
      await target.writeFile(buffer.subarray(0, waiting));
      written += waiting;
      waiting = 0;
    };
    for (const piece of pieces) {
      let done = 0;
      while (done < piece.length) {
        if (waiting === buffer.length) await flush();
        const length = Math.min(piece.length - done, buffer.length - waiting);
        if (piece instanceof Uint8Array) buffer.set(piece.subarray(done, done + length), waiting);
        else await source.readInto(buffer.subarray(waiting, waiting + length), piece.offset + done);
        done += length;
        waiting += length;
      }
    }
    await flush();
    return written;
  } finally {
    // The collector would let it lie, one for each of many uploads.
    buffer.buffer.transfer(0);
    await target.close();
  }
}
