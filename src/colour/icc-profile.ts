/** Size of the header, which the tag table follows. */
export const headerBytes = 128;
const tableEntryBytes = 12;
/** Real profiles have up to 40 tags. */
const maxTags = 200;

/** A colour space signature. Devices use `RGB `, `GRAY` or `CMYK`, the connection space is `XYZ ` or `Lab `. */
export type ColourSpace = string;

/** The header and the tags of an ICC colour profile (ICC.1:2022 section 7). The contents of tags are not parsed. */
export class IccProfile {
  private constructor(
    readonly header: Buffer,
    /** The content of every tag by its signature, in the order of the table. */
    readonly tags: ReadonlyMap<string, Buffer>,
  ) {}

  /** Parses a profile; returns undefined if it is malformed. Bytes after the end of the profile are ignored. */
  static read(bytes: Buffer): IccProfile | undefined {
    if (bytes.length < headerBytes + 4 || bytes.toString("latin1", 36, 40) !== "acsp") return undefined;
    const size = bytes.readUInt32BE(0);
    const count = bytes.readUInt32BE(headerBytes);
    if (size > bytes.length || count > maxTags || headerBytes + 4 + count * tableEntryBytes > size)
      return undefined;
    const tags = new Map<string, Buffer>();
    const ranges = new Map<string, Buffer>();
    let rangeBytes = 0;
    for (let index = 0; index < count; index++) {
      const entry = headerBytes + 4 + index * tableEntryBytes;
      const [offset, length] = [bytes.readUInt32BE(entry + 4), bytes.readUInt32BE(entry + 8)];
      if (length < 8 || offset + length > size) return undefined;
      const range = `${offset} ${length}`;
      if (!ranges.has(range)) {
        ranges.set(range, bytes.subarray(offset, offset + length));
        rangeBytes += length;
        // Overlapping tags would make the profile larger when it is written.
        if (rangeBytes > size) return undefined;
      }
      const signature = bytes.toString("latin1", entry, entry + 4);
      if (!tags.has(signature)) tags.set(signature, ranges.get(range) as Buffer);
    }
    return new IccProfile(bytes.subarray(0, headerBytes), tags);
  }

  get majorVersion(): number {
    return this.header.readUInt8(8);
  }

  /** `mntr`, `prtr`, `scnr` or `spac`; other classes do not describe the colours of an image. */
  get deviceClass(): string {
    return this.header.toString("latin1", 12, 16);
  }

  /** The colour space of the image. */
  get space(): ColourSpace {
    return this.header.toString("latin1", 16, 20);
  }

  /** The profile connection space: `XYZ ` or `Lab `. */
  get connectionSpace(): ColourSpace {
    return this.header.toString("latin1", 20, 24);
  }
}

/**
 * Serializes a profile. Sets the size in the header and stores equal tags once.
 * @param length total size, reached by padding the last tag; the smallest possible size if omitted
 * @returns undefined if the profile needs more than `length` bytes
 */
export function writeProfile(
  header: Buffer,
  tags: ReadonlyMap<string, Buffer>,
  length?: number,
): Buffer<ArrayBuffer> | undefined {
  const table = Buffer.alloc(4 + tags.size * tableEntryBytes);
  table.writeUInt32BE(tags.size, 0);
  const stored: { content: Buffer; offset: number }[] = [];
  let end = headerBytes + table.length;
  let entry = 4;
  for (const [signature, content] of tags) {
    let place = stored.find((other) => other.content.equals(content));
    if (!place) {
      place = { content, offset: end };
      stored.push(place);
      end += Math.ceil(content.length / 4) * 4;
    }
    table.write(signature, entry, "latin1");
    table.writeUInt32BE(place.offset, entry + 4);
    table.writeUInt32BE(content.length, entry + 8);
    entry += tableEntryBytes;
  }
  const size = length ?? end;
  if (end > size) return undefined;
  const last = stored.at(-1);
  if (last && length !== undefined)
    for (let at = 4; at < table.length; at += tableEntryBytes)
      if (table.readUInt32BE(at + 4) === last.offset) table.writeUInt32BE(size - last.offset, at + 8);
  const bytes = Buffer.alloc(size);
  header.copy(bytes);
  bytes.writeUInt32BE(size, 0);
  table.copy(bytes, headerBytes);
  for (const { content, offset } of stored) content.copy(bytes, offset);
  return bytes;
}
