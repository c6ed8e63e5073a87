import type { ByteSource } from "./byte-source.ts";
import { damaged } from "./damaged.ts";

/** An element of EBML (RFC 8794), the syntax of Matroska and WebM. */
export interface Element {
  /** With its length marker, as the specifications write it: 0x1A45DFA3. */
  readonly id: number;
  readonly offset: number;
  readonly body: number;
  /** undefined: unknown, as live recorders leave it. */
  readonly end: number | undefined;
}

/**
 * The element at `offset`, which must fit before `end`. The caller spends the budget, since blocks have their own.
 * @throws ApiError DAMAGED_MEDIA
 */
export async function readElement(source: ByteSource, offset: number, end: number): Promise<Element> {
  const head = await source.readUpTo(offset, Math.min(12, end - offset));
  const idLength = Math.clz32(head.readUInt8(0)) - 23;
  if (idLength > 4) throw damaged(`no element at ${offset}`);
  const id = head.readUIntBE(0, idLength);
  const sizeLength = Math.clz32(head.readUInt8(idLength)) - 23;
  if (sizeLength > 8) throw damaged(`no size at ${offset}`);
  const coded = head.subarray(idLength, idLength + sizeLength);
  if (coded.length < sizeLength) throw damaged(`cut at ${offset}`);
  let size = coded.readUInt8(0) & (0xff >> sizeLength);
  let isUnknown = size === 0xff >> sizeLength;
  for (const byte of coded.subarray(1)) {
    size = size * 256 + byte;
    isUnknown &&= byte === 0xff;
  }
  const body = offset + idLength + sizeLength;
  if (isUnknown) return { id, offset, body, end: undefined };
  if (body + size > end) throw damaged(`an element beyond the end at ${offset}`);
  return { id, offset, body, end: body + size };
}

/** An element whose size is known. */
export type SizedElement = Element & { readonly end: number };

/**
 * The elements inside one of known size.
 * @throws ApiError DAMAGED_MEDIA
 */
export async function readChildren(source: ByteSource, parent: SizedElement): Promise<SizedElement[]> {
  const children: SizedElement[] = [];
  for (let offset = parent.body; offset < parent.end;) {
    source.budget.elements.spend();
    const { end, ...child } = await readElement(source, offset, parent.end);
    if (end === undefined) throw damaged(`an element without an end at ${offset}`);
    children.push({ ...child, end });
    offset = end;
  }
  return children;
}

/** An unsigned integer element's value. */
export async function readUnsigned(source: ByteSource, { body, end }: SizedElement): Promise<number> {
  let value = 0;
  for (const byte of await source.read(body, Math.min(8, end - body))) value = value * 256 + byte;
  return value;
}
