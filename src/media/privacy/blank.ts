import { closeSync, openSync, readSync, writeSync } from "node:fs";

import type { Patches } from "./plan.ts";

const groupBytes = 256 * 1024;
/** Ranges with fewer bytes than this between them are read, changed and written together. */
const nearBytes = 4096;
const zeroBytes = Buffer.alloc(groupBytes);

/**
 * Applies the patches to the file at `path`. A failure may leave some unapplied: the file is then not to be used.
 *
 * It blocks the thread, which belongs to a media worker: a small write takes a microsecond, waiting for one twenty, and
 * a dashcam's data track has hundreds of thousands of them.
 * @throws the file system's errors
 */
export function blank(path: string, { zeros, writes }: Patches): void {
  if (zeros.length === 0 && writes.length === 0) return;
  const file = openSync(path, "r+");
  try {
    for (let index = 0; index < zeros.length;) {
      const next = endOfGroup(zeros, index);
      if (next === index + 2) writeZeros(file, zeros[index] ?? 0, zeros[index + 1] ?? 0);
      else writeGroup(file, zeros.slice(index, next));
      index = next;
    }
    for (const { offset, bytes } of writes) writeAll(file, bytes, offset);
  } finally {
    closeSync(file);
  }
}

/** The index behind the last of the ranges, from `index` on, that follow each other closely. */
function endOfGroup(zeros: readonly number[], index: number): number {
  const start = zeros[index] ?? 0;
  let end = start + (zeros[index + 1] ?? 0);
  let next = index + 2;
  for (; next < zeros.length; next += 2) {
    const [offset = 0, length = 0] = [zeros[next], zeros[next + 1]];
    if (offset < end || offset > end + nearBytes || offset + length > start + groupBytes) break;
    end = offset + length;
  }
  return next;
}

function writeZeros(file: number, offset: number, length: number): void {
  for (let done = 0; done < length; done += groupBytes)
    writeAll(file, zeroBytes.subarray(0, length - done), offset + done);
}

/** Zeros ranges in ascending order, all of them in one read and one write. */
function writeGroup(file: number, zeros: readonly number[]): void {
  const start = zeros[0] ?? 0;
  const bytes = Buffer.alloc((zeros.at(-2) ?? 0) + (zeros.at(-1) ?? 0) - start);
  for (let done = 0, read = 1; done < bytes.length && read > 0; done += read)
    read = readSync(file, bytes, done, bytes.length - done, start + done);
  for (let index = 0; index < zeros.length; index += 2) {
    const from = (zeros[index] ?? 0) - start;
    bytes.fill(0, from, from + (zeros[index + 1] ?? 0));
  }
  writeAll(file, bytes, start);
}

function writeAll(file: number, bytes: Uint8Array, offset: number): void {
  for (let done = 0; done < bytes.length;)
    done += writeSync(file, bytes, done, bytes.length - done, offset + done);
}
