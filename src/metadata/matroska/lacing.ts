import { variableNumber } from "./ebml.ts";

/** A part of a laced block, or of what a codec stores in the same way. */
export interface LacedPart {
  /** From the start of the number of parts. */
  readonly start: number;
  readonly end: number;
}

/** Bytes that may hold the sizes of the parts; only a hostile block has more. */
export const lacingHeadBytes = 32 * 1024;

/** How several frames share a block (RFC 9559 section 10.3), by the bits in its flags. */
export const lacings = { xiph: 0x02, fixed: 0x04, ebml: 0x06 } as const;

/**
 * The parts of a laced block.
 * @param head its beginning, from the number of parts on
 * @param length of all of it
 * @returns undefined for sizes that do not fit
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

/** The sizes of all parts but the last, and how many bytes say so. */
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

/** The first size, and then how much each differs from the one before. */
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
