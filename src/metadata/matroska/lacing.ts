import { variableNumber } from "./ebml.ts";

/** A frame of a laced block, or a packet of a codec header that is laced in the same way. */
export interface LacedPart {
  /** Offset from the byte that holds the number of parts. */
  readonly start: number;
  readonly end: number;
}

/** Limit for the bytes that hold the sizes of the parts. */
export const lacingHeadBytes = 32 * 1024;

/** Kinds of lacing (RFC 9559 section 10.3), as bits in the flags of a block. */
export const lacings = { xiph: 0x02, fixed: 0x04, ebml: 0x06 } as const;

/**
 * Returns the parts of a laced block.
 * @param head the first bytes, starting with the number of parts
 * @param length bytes from there to the end of the block
 * @returns undefined if the sizes do not fit
 */
export function lacedParts(head: Buffer, length: number, lacing: number): LacedPart[] | undefined {
  const count = (head[0] ?? 0) + 1;
  const read = lacing === lacings.xiph ? xiphSizes : lacing === lacings.ebml ? ebmlSizes : fixedSizes;
  const found = read(head, count, length);
  if (!found) return undefined;
  const parts: LacedPart[] = [];
  let start = found.bytes;
  for (const size of found.sizes) {
    parts.push({ start, end: start + size });
    start += size;
  }
  if (start > length) return undefined;
  parts.push({ start, end: length });
  return parts;
}

/** The sizes of all parts but the last, and the number of bytes that encode them. */
interface Sizes {
  readonly sizes: readonly number[];
  readonly bytes: number;
}

function xiphSizes(head: Buffer, count: number): Sizes | undefined {
  const sizes: number[] = [];
  let bytes = 1;
  while (sizes.length < count - 1) {
    let size = 0;
    let byte: number;
    do {
      if (bytes >= head.length) return undefined;
      size += byte = head.readUInt8(bytes++);
    } while (byte === 0xff);
    sizes.push(size);
  }
  return { sizes, bytes };
}

function fixedSizes(_head: Buffer, count: number, length: number): Sizes | undefined {
  const size = (length - 1) / count;
  return Number.isInteger(size) ? { sizes: Array<number>(count - 1).fill(size), bytes: 1 } : undefined;
}

/** EBML lacing stores the first size, then the difference of each size to the previous one. */
function ebmlSizes(head: Buffer, count: number): Sizes | undefined {
  const sizes: number[] = [];
  let bytes = 1;
  while (sizes.length < count - 1) {
    const number = variableNumber(head.subarray(bytes));
    if (!number) return undefined;
    const last = sizes.at(-1);
    const size = last === undefined ? number.value : last + number.value - (2 ** (7 * number.bytes - 1) - 1);
    if (size < 0) return undefined;
    sizes.push(size);
    bytes += number.bytes;
  }
  return { sizes, bytes };
}
