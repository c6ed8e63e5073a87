import { damaged } from "../damaged.ts";
import type { StructureBudget } from "../structure-budget.ts";

/** An element of EBML (RFC 8794), the syntax of Matroska and WebM. */
export interface Element {
  /** Including its length marker, as the specifications write it: 0x1A45DFA3. */
  readonly id: number;
  readonly offset: number;
  readonly body: number;
  /** May lie beyond the end of the file. Undefined for an unknown size, which live recorders write. */
  readonly end: number | undefined;
  /** Bytes of the size field, which ends where the body starts. */
  readonly sizeBytes: number;
}

/** An element of known size. */
export type SizedElement = Element & { readonly end: number };

/** Maximum length of an element header. */
export const elementHeadBytes = 12;

/** Parses the header of the element at `offset`; undefined if the bytes are not one. */
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

/** A source of elements; reading spends its budget. */
export interface ElementSource {
  readonly budget: StructureBudget;
  /** Reads up to `length` bytes from `offset`. */
  readUpTo(offset: number, length: number): Buffer;
}

/**
 * Yields the elements in a range.
 * @throws ApiError DAMAGED_MEDIA if one does not fit or has an unknown size
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

/** Decodes the content of an unsigned integer element. */
export function unsignedValue(content: Buffer): number {
  let value = 0;
  for (const byte of content.subarray(0, 8)) value = value * 256 + byte;
  return value;
}

/** Decodes the content of a float element; 0 for an invalid length. */
export function floatValue(content: Buffer): number {
  if (content.length === 4) return content.readFloatBE(0);
  return content.length === 8 ? content.readDoubleBE(0) : 0;
}

/**
 * Decodes a number with a length marker, as at the start of a block (RFC 9559 section 10); undefined if it is cut off.
 */
export function variableNumber(
  bytes: Buffer,
): { readonly value: number; readonly bytes: number } | undefined {
  const length = Math.clz32(bytes[0] ?? 0) - 23;
  if (length > 8 || bytes.length < length) return undefined;
  let value = bytes.readUInt8(0) & (0xff >> length);
  for (const byte of bytes.subarray(1, length)) value = value * 256 + byte;
  return { value, bytes: length };
}
