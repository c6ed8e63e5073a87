import { damaged } from "../damaged.ts";
import type { StructureBudget } from "../structure-budget.ts";

/** An element of EBML (RFC 8794), the syntax of Matroska and WebM. */
export interface Element {
  /** With its length marker, as the specifications write it: 0x1A45DFA3. */
  readonly id: number;
  readonly offset: number;
  readonly body: number;
  /** May lie beyond the end of the file. Undefined: unknown, as live recorders leave it. */
  readonly end: number | undefined;
  /** Of the size, which stands right before the body. */
  readonly sizeBytes: number;
}

/** An element whose size is known. */
export type SizedElement = Element & { readonly end: number };

/** Enough for the header of an element. */
export const elementHeadBytes = 12;

/** The element at `offset`, which begins with these bytes; undefined where they are none. */
export function elementAt(head: Buffer, offset: number): Element | undefined {
  const idBytes = Math.clz32(head[0] ?? 0) - 23;
  const sizeBytes = Math.clz32(head[idBytes] ?? 0) - 23;
  if (idBytes > 4 || sizeBytes > 8 || head.length < idBytes + sizeBytes) return undefined;
  const id = head.readUIntBE(0, idBytes);
  const coded = head.subarray(idBytes, idBytes + sizeBytes);
  let size = coded.readUInt8(0) & (0xff >> sizeBytes);
  let isUnknown = size === 0xff >> sizeBytes;
  for (const byte of coded.subarray(1)) {
    size = size * 256 + byte;
    isUnknown &&= byte === 0xff;
  }
  const body = offset + idBytes + sizeBytes;
  return { id, offset, body, end: isUnknown ? undefined : body + size, sizeBytes };
}

/** What elements are read from, at the cost of its budget. */
export interface ElementSource {
  readonly budget: StructureBudget;
  /** Up to `length` bytes from `offset`. */
  readUpTo(offset: number, length: number): Buffer;
}

/**
 * The elements inside a range.
 * @throws ApiError DAMAGED_MEDIA where one does not fit, or has no end
 */
export function* childElements(source: ElementSource, from: number, to: number): Generator<SizedElement> {
  for (let offset = from; offset < to;) {
    source.budget.elements.spend();
    const element = elementAt(source.readUpTo(offset, Math.min(elementHeadBytes, to - offset)), offset);
    if (element?.end === undefined || element.end > to) throw damaged(`no element at ${offset}`);
    yield { ...element, end: element.end };
    offset = element.end;
  }
}

/** The value of an unsigned integer element, with this content. */
export function unsignedValue(content: Buffer): number {
  let value = 0;
  for (const byte of content.subarray(0, 8)) value = value * 256 + byte;
  return value;
}

/** A number with its length marker, as in front of a block (RFC 9559 section 10); undefined where it is cut. */
export function variableNumber(
  bytes: Buffer,
): { readonly value: number; readonly bytes: number } | undefined {
  const length = Math.clz32(bytes[0] ?? 0) - 23;
  if (length > 8 || bytes.length < length) return undefined;
  let value = bytes.readUInt8(0) & (0xff >> length);
  for (const byte of bytes.subarray(1, length)) value = value * 256 + byte;
  return { value, bytes: length };
}
