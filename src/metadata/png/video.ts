import { crc32 } from "node:zlib";

import { pngSignature } from "./chunks.ts";
import type { InPlaceFile } from "../in-place-file.ts";

/** Chunks that decoders need for a picture (PNG third edition, section 5.6) or an animation. */
const keptChunks = new Set([
  ...["IHDR", "PLTE", "IDAT", "IEND", "tRNS", "gAMA", "cHRM", "sRGB", "cICP", "mDCV", "cLLI", "sBIT", "bKGD"],
  ...["pHYs", "acTL", "fcTL", "fdAT"],
]);
/** The type of an ancillary, private chunk, which decoders skip. */
const skippedType = Buffer.from("voId", "latin1");
const zeros = Buffer.alloc(64 * 1024);

/** Whether the bytes start a PNG. */
export function isPng(bytes: Buffer): boolean {
  return bytes.length >= 4 && bytes.readUInt32BE(0) === pngSignature.readUInt32BE(0);
}

/**
 * Overwrites the texts, times, EXIF and all other chunks that one frame of PNG video does not need, and the bytes after
 * the picture. An overwritten chunk keeps its offset and size, and gets a type that decoders skip and a valid checksum.
 */
export function overwritePngTexts(file: InPlaceFile, offset: number, end: number): void {
  let position = offset + pngSignature.length;
  while (position + 12 <= end) {
    file.budget.blocks.spend();
    const head = file.read(position, 8);
    const length = head.readUInt32BE(0);
    const type = head.toString("latin1", 4, 8);
    const body = position + 8;
    const next = body + length + 4;
    if (!keptChunks.has(type)) {
      file.write(position + 4, skippedType);
      file.wipe(body, Math.min(next, end));
      if (next <= end) file.write(next - 4, skippedChecksum(length));
    }
    position = next;
    if (type !== "IEND") continue;
    file.wipe(position, end);
    return;
  }
}

/** Returns the checksum of a skipped chunk that holds this many zeros. */
function skippedChecksum(length: number): Buffer {
  let sum = crc32(skippedType);
  for (let left = length; left > 0; left -= zeros.length)
    sum = crc32(left < zeros.length ? zeros.subarray(0, left) : zeros, sum);
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(sum >>> 0);
  return bytes;
}
