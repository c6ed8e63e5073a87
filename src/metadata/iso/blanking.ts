import type { Box } from "./boxes.ts";
import type { InPlaceFile } from "../in-place-file.ts";
import type { Patches } from "../plan.ts";

/** Makes the box a `free` one of the same size, full of zeros. */
export function blankBox(patches: Patches, box: Box): void {
  if (box.type !== "free") patches.write(box.offset + 4, Buffer.from("free", "latin1"));
  patches.wipe(box.body, box.end);
}

/**
 * Wipes a box from `end` on and makes it end there, with a `free` box in the place of the rest: some readers take
 * everything up to the end of an `elst` for edits. A rest too short for a box stays part of it, as zeros.
 */
export function blankTail(patches: Patches, box: Box, end: number): void {
  const [size, rest] = [end - box.offset, box.end - end];
  if (rest >= 8 && box.body - box.offset === 8) {
    patches.write(box.offset, sizeField(size));
    patches.write(end, Buffer.concat([sizeField(rest), Buffer.from("free", "latin1")]));
  }
  patches.wipe(end, box.end);
}

function sizeField(bytes: number): Buffer {
  const field = Buffer.alloc(4);
  field.writeUInt32BE(bytes);
  return field;
}

/** Empties the name in an `hdlr`, where vendors write their own, and QuickTime's field of the manufacturer. */
export function blankHandlerName(patches: Patches, handler: Box): void {
  patches.wipe(Math.min(handler.body + 12, handler.end), handler.end);
}

/** Changes the size of a box, in the field of its header that has it. A last box may have none. */
export function writeBoxSize(file: InPlaceFile, box: Box, bytes: number): void {
  const field = Buffer.alloc(8);
  const current = file.read(box.offset, 4).readUInt32BE(0);
  if (current === 1) {
    field.writeBigUInt64BE(BigInt(bytes));
    file.write(box.offset + 8, field);
  } else if (current !== 0) {
    field.writeUInt32BE(bytes);
    file.write(box.offset, field.subarray(0, 4));
  }
}
