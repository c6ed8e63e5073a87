/** A chunk of a RIFF file (Multimedia Programming Interface and Data Specifications 1.0). */
export interface Chunk {
  /** For a list, including its list type: `LIST movi`. */
  readonly type: string;
  readonly offset: number;
  /** Offset of the content; for a list, of the first chunk in it. */
  readonly body: number;
  /** End without the padding byte; may lie beyond the end of the file. */
  readonly end: number;
}

/** Bytes of the header of a list, which is longer than that of a chunk. */
export const chunkHeadBytes = 12;

/** Parses the header of the chunk at `offset`; undefined for fewer than eight bytes. */
export function chunkAt(head: Buffer, offset: number): Chunk | undefined {
  if (head.length < 8) return undefined;
  const name = head.toString("latin1", 0, 4);
  const isList = (name === "LIST" || name === "RIFF") && head.length >= chunkHeadBytes;
  return {
    type: isList ? `${name} ${head.toString("latin1", 8, 12)}` : name,
    offset,
    body: offset + (isList ? chunkHeadBytes : 8),
    end: offset + 8 + head.readUInt32LE(4),
  };
}

/** Returns the offset of the next chunk: chunks are padded to an even length. */
export const padded = ({ offset, end }: Chunk) => end + ((end - offset) % 2);
