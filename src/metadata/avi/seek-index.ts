import type { Chunk } from "./chunks.ts";
import type { InPlaceFile } from "../in-place-file.ts";

const headBytes = 24;
/** Index types of OpenDML 1.02: an index of indexes, and an index of chunks or fields. */
const indexTypes = { indexes: 0, chunks: 1 } as const;
/** Allowed bytes of an entry. */
const entrySizes: Readonly<Record<number, readonly number[]>> = {
  [indexTypes.indexes]: [16],
  [indexTypes.chunks]: [8, 12],
};

/**
 * Overwrites what players do not read in an index of a stream (`indx`, `ix00`): reserved fields, entries that point
 * outside the file, bytes after the entries, and all of an index of another type.
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
  file.wipe(body + (kind === indexTypes.indexes ? 12 : 20), body + headBytes);
  const base = kind === indexTypes.indexes ? 0 : Number(head.readBigUInt64LE(12));
  let entry = body + headBytes;
  for (let left = head.readUInt32LE(4); left > 0 && entry + entryBytes <= end; left--) {
    file.budget.tableEntries.spend();
    const bytes = file.read(entry, entryBytes);
    const [offset, size] =
      kind === indexTypes.indexes
        ? [Number(bytes.readBigUInt64LE(0)), bytes.readUInt32LE(8)]
        : // The highest bit is set if the chunk is not a key frame.
          [base + bytes.readUInt32LE(0), bytes.readUInt32LE(4) & 0x7fff_ffff];
    if (offset + size > file.size) file.wipe(entry, entry + entryBytes);
    entry += entryBytes;
  }
  file.wipe(entry, end);
}

const simpleEntryBytes = 16;
/** Flags for a list, a key frame, a chunk without duration, and the first or last part of a frame. */
const knownFlags = 0x0000_0173;

/**
 * Wipes the entries of an index (`idx1`) that point outside the file or to chunks that are removed.
 * @param isKept whether chunks of this type are kept
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
