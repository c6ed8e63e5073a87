import type { Box } from "./boxes.ts";
import type { InPlaceFile } from "../in-place-file.ts";
import type { Patches } from "../plan.ts";

/** Turns the box into a `free` box of the same size, filled with zeros. */
export function blankBox(patches: Patches, box: Box): void {
  if (box.type !== "free") patches.write(box.offset + 4, Buffer.from("free", "latin1"));
  patches.wipe(box.body, box.end);
}

/**
 * Shortens a box so that it ends at `end`, and puts a `free` box in the remaining space. Zeros alone would not do: some
 * readers parse an `elst` up to the end of its box. A remainder too short for a box stays part of it, as zeros.
 */
export function blankTail(patches: Patches, box: Box, end: number): void {
  const [size, remainder] = [end - box.offset, box.end - end];
  if (remainder >= 8 && box.body - box.offset === 8) {
    patches.write(box.offset, sizeField(size));
    patches.write(end, Buffer.concat([sizeField(remainder), Buffer.from("free", "latin1")]));
  }
  patches.wipe(end, box.end);
}

function sizeField(bytes: number): Buffer {
  const field = Buffer.alloc(4);
  field.writeUInt32BE(bytes);
  return field;
}

/** Wipes the handler name in an `hdlr`, where vendors put theirs, and QuickTime's manufacturer field. */
export function blankHandlerName(patches: Patches, handler: Box): void {
  patches.wipe(Math.min(handler.body + 12, handler.end), handler.end);
}

/** Rewrites the size in a box header. A size of 0 (up to the end of the file) stays. */
export function writeBoxSize(file: InPlaceFile, box: Box, bytes: number): void {
  const field = Buffer.alloc(8);
  const current = file.readUInt(box.offset, 4);
  if (current === 1) {
    field.writeBigUInt64BE(BigInt(bytes));
    file.write(box.offset + 8, field);
  } else if (current !== 0) {
    field.writeUInt32BE(bytes);
    file.write(box.offset, field.subarray(0, 4));
  }
}
