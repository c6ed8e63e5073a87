import type { Chunk } from "./chunks.ts";
import type { InPlaceFile } from "../in-place-file.ts";

const headBytes = 24;
/** OpenDML 1.02: an index of indexes, and one of chunks, whose entries may be about fields. */
const kinds = { indexes: 0, chunks: 1 } as const;
const entrySizes: Readonly<Record<number, readonly number[]>> = {
  [kinds.indexes]: [16],
  [kinds.chunks]: [8, 12],
};

/**
 * Overwrites in an index of a stream (`indx`, `ix00`) what players do not read: reserved fields, entries that lie
 * outside of the file, what follows the entries, and indexes of other kinds.
 */
export function overwriteInIndex(file: InPlaceFile, { body, end }: Pick<Chunk, "body" | "end">): void {
  const head = Buffer.from(file.read(body, Math.min(headBytes, end - body)));
  const kind = head[3] ?? 0;
  const entryBytes = (head[0] ?? 0) * 4;
  const isKnown = head.length === headBytes && (entrySizes[kind]?.includes(entryBytes) ?? false);
  if (!isKnown) {
    file.wipe(body, end);
    return;
  }
  file.wipe(body + (kind === kinds.indexes ? 12 : 20), body + headBytes);
  const base = kind === kinds.indexes ? 0 : Number(head.readBigUInt64LE(12));
  let entry = body + headBytes;
  for (let left = head.readUInt32LE(4); left > 0 && entry + entryBytes <= end; left--) {
    file.budget.tableEntries.spend();
    const bytes = file.read(entry, entryBytes);
    const [offset, size] =
      kind === kinds.indexes
        ? [Number(bytes.readBigUInt64LE(0)), bytes.readUInt32LE(8)]
        : // The highest bit says that the chunk is no key frame.
          [base + bytes.readUInt32LE(0), bytes.readUInt32LE(4) & 0x7fff_ffff];
    if (offset + size > file.size) file.wipe(entry, entry + entryBytes);
    entry += entryBytes;
  }
  file.wipe(entry, end);
}

const simpleEntryBytes = 16;
/** List, key frame, no time, first and last part of a frame. */
const knownFlags = 0x0000_0173;

/**
 * Zeros the entries of an index (`idx1`) that name chunks which go, or bytes outside of the file.
 * @param isKept whether chunks of this type stay
 */
export function overwriteInSimpleIndex(
  file: InPlaceFile,
  { body, end }: Chunk,
  isKept: (type: string) => boolean,
): void {
  let entry = body;
  for (; entry + simpleEntryBytes <= end; entry += simpleEntryBytes) {
    const bytes = file.read(entry, simpleEntryBytes);
    const isInside = bytes.readUInt32LE(8) + bytes.readUInt32LE(12) <= file.size;
    const flags = bytes.readUInt32LE(4);
    if (!isInside || !isKept(bytes.toString("latin1", 0, 4))) file.wipe(entry, entry + simpleEntryBytes);
    else if ((flags & ~knownFlags) !== 0) {
      const known = Buffer.alloc(4);
      known.writeUInt32LE(flags & knownFlags);
      file.write(entry + 4, known);
    }
  }
  file.wipe(entry, end);
}
