/** A chunk of a RIFF file (Multimedia Programming Interface and Data Specifications 1.0). */
export interface Chunk {
  /** For a list with its kind: `LIST movi`. */
  readonly type: string;
  readonly offset: number;
  /** Where the content starts; the first chunk inside, for a list. */
  readonly body: number;
  /** Without the byte that pads it; may lie beyond the end of the file. */
  readonly end: number;
}

/** Enough for the header of a list. */
export const chunkHeadBytes = 12;

/** The chunk that the bytes at `offset` are the header of; undefined for fewer than eight. */
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

/** Where the next chunk starts: at an even number of bytes. */
export const padded = ({ offset, end }: Chunk) => end + ((end - offset) % 2);
