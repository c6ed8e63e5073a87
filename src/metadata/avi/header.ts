import type { ByteSource } from "../byte-source.ts";
import { chunkAt, chunkHeadBytes, padded, type Chunk } from "./chunks.ts";
import type { Patches } from "../plan.ts";

/**
 * Types of streams that are kept: picture, sound, and both interleaved (DV). Others hold subtitles or positions of
 * dashcams.
 */
const keptStreams = new Set(["vids", "auds", "iavs"]);

const keptInHeader = new Set(["avih", "LIST strl", "LIST odml"]);
const keptInStream = new Set(["strh", "strf", "indx", "vprp"]);

/** Bytes of chunks with fixed content, without reserved fields. The remainder is wiped. */
const contentBytes: Readonly<Record<string, number>> = { avih: 40, strh: 56, dmlh: 4 };

export interface AviHeader {
  /** In the order of their numbers. */
  readonly streams: readonly AviStream[];
  /** The indexes (`indx`) of kept streams. */
  readonly indexes: readonly Chunk[];
  /** The size that the main header declares. */
  readonly declared: { readonly width: number; readonly height: number };
  /** The playing time that the main header declares, in seconds; 0 or infinite if it does not say. */
  readonly seconds: number;
}

export interface AviStream {
  /** `vids`, `auds` or another stream type. */
  readonly type: string;
  /** Whether its chunks are kept. */
  readonly isKept: boolean;
  /** The FourCC of a video codec. */
  readonly codec: string;
  readonly bitsPerPixel: number;
  /** Its duration in seconds; 0, infinite or not a number if its header does not say. */
  readonly seconds: number;
  /** Coded size of a video; 0 for other streams. */
  readonly width: number;
  readonly height: number;
  /** Pixel aspect ratio; undefined if the header does not say. */
  readonly pixelRatio: number | undefined;
}

/**
 * Blanks everything but the descriptions of streams in the header of an AVI (`LIST hdrl`), and reads the streams.
 * Removed streams at the end are dropped from the header; others keep their place, because chunks refer to streams by
 * number.
 */
export async function blankAviHeader(
  source: ByteSource,
  patches: Patches,
  header: Chunk,
): Promise<AviHeader> {
  const chunks = await readChunks(source, patches, header);
  const lists = chunks.filter(({ type }) => type === "LIST strl");
  const types: string[] = [];
  for (const list of lists) types.push(await streamType(source, list));
  const count = types.findLastIndex((type) => keptStreams.has(type)) + 1;

  const streams: AviStream[] = [];
  const indexes: Chunk[] = [];
  let declared = { width: 0, height: 0 };
  let seconds = 0;
  for (const chunk of chunks) {
    const isDropped = chunk.type === "LIST strl" && streams.length >= count;
    if (!keptInHeader.has(chunk.type) || isDropped) {
      blankChunk(patches, chunk);
      continue;
    }
    wipeAfterContent(patches, chunk);
    if (chunk.type === "LIST strl") streams.push(await blankStream(source, patches, chunk, indexes));
    else if (chunk.type === "avih") {
      const content = await source.read(chunk.body, 40);
      seconds = (content.readUInt32LE(0) * content.readUInt32LE(16)) / 1e6;
      declared = { width: content.readUInt32LE(32), height: content.readUInt32LE(36) };
      if (content.readUInt32LE(24) > count) patches.write(chunk.body + 24, littleEndian(count));
    } else
      for (const inner of await readChunks(source, patches, chunk))
        if (inner.type === "dmlh") wipeAfterContent(patches, inner);
        else blankChunk(patches, inner);
  }
  return { streams, indexes, declared, seconds };
}

/** Reads the type of a stream from its `strh`; empty if there is none. */
async function streamType(source: ByteSource, stream: Chunk): Promise<string> {
  for (let offset = stream.body; offset + 12 <= stream.end;) {
    source.budget.elements.spend();
    const head = await source.readUpTo(offset, chunkHeadBytes);
    const chunk = chunkAt(head, offset);
    if (chunk?.type === "strh") return head.toString("latin1", 8, 12);
    offset = chunk ? padded(chunk) : stream.end;
  }
  return "";
}

function littleEndian(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** Blanks the description of one stream. @param indexes receives the index of the stream */
async function blankStream(
  source: ByteSource,
  patches: Patches,
  stream: Chunk,
  indexes: Chunk[],
): Promise<AviStream> {
  const type = await streamType(source, stream);
  const isKept = keptStreams.has(type);
  let [codec, bitsPerPixel, width, height, seconds] = ["", 0, 0, 0, 0];
  let pixelRatio: number | undefined;
  const found = new Set<string>();
  for (const chunk of await readChunks(source, patches, stream)) {
    const content = await source.read(chunk.body, Math.min(40, chunk.end - chunk.body));
    const isUsed = keptInStream.has(chunk.type) && !found.has(chunk.type);
    if (!isUsed || (!isKept && chunk.type !== "strh" && chunk.type !== "strf")) {
      blankChunk(patches, chunk);
      continue;
    }
    found.add(chunk.type);
    wipeAfterContent(patches, chunk);
    if (!isKept) blankDescription(patches, chunk);
    else if (chunk.type === "indx") indexes.push(chunk);
    else if (chunk.type === "strh" && content.length >= 36)
      seconds = (content.readUInt32LE(32) * content.readUInt32LE(20)) / content.readUInt32LE(24);
    else if (chunk.type === "strf" && type === "vids" && content.length >= 20) {
      [width, height] = [content.readInt32LE(4), Math.abs(content.readInt32LE(8))];
      bitsPerPixel = content.readUInt16LE(14);
      codec = content.toString("latin1", 16, 20);
    } else if (chunk.type === "strf" && type === "auds" && content.length >= 18)
      wipeFrom(patches, chunk, 18 + content.readUInt16LE(16));
    else if (chunk.type === "vprp" && content.length >= 36) {
      const [down, across] = [content.readUInt16LE(20), content.readUInt16LE(22)];
      const [frameWidth, frameHeight] = [content.readUInt32LE(24), content.readUInt32LE(28)];
      if (down > 0 && frameWidth > 0) pixelRatio = ((across / down) * frameHeight) / frameWidth || undefined;
      wipeFrom(patches, chunk, 36 + 32 * Math.min(2, content.readUInt32LE(32)));
    }
  }
  return { type, isKept, codec, bitsPerPixel, seconds, width, height, pixelRatio };
}

/** Keeps only the type and the time scale in the description of a removed stream. */
function blankDescription(patches: Patches, { type, body, end }: Chunk): void {
  const parts =
    type === "strh"
      ? [
          [4, 20],
          [28, Infinity],
        ]
      : [[0, Infinity]];
  for (const [from = 0, to = 0] of parts) patches.wipe(Math.min(body + from, end), Math.min(body + to, end));
}

/** Reads the chunks in a list and wipes the bytes after them. */
async function readChunks(source: ByteSource, patches: Patches, list: Chunk): Promise<Chunk[]> {
  const chunks: Chunk[] = [];
  let offset = list.body;
  while (offset + 8 <= list.end) {
    source.budget.elements.spend();
    const chunk = chunkAt(await source.readUpTo(offset, chunkHeadBytes), offset);
    if (!chunk) break;
    const body = Math.min(chunk.body, list.end);
    chunks.push({ ...chunk, body, end: Math.max(body, Math.min(chunk.end, list.end)) });
    offset = padded(chunk);
  }
  if (offset < list.end) patches.wipe(offset, list.end);
  return chunks;
}

/** Wipes the bytes after the fixed content of a chunk. */
function wipeAfterContent(patches: Patches, { type, body, end }: Chunk): void {
  const bytes = contentBytes[type];
  if (bytes !== undefined) wipeFrom(patches, { body, end }, bytes);
}

/** Wipes the content of a chunk after its first `bytes` bytes. */
function wipeFrom(patches: Patches, { body, end }: Pick<Chunk, "body" | "end">, bytes: number): void {
  if (body + bytes < end) patches.wipe(body + bytes, end);
}

/** Turns a chunk into a `JUNK` chunk of the same size with zeros. */
function blankChunk(patches: Patches, { offset, end }: Chunk): void {
  patches.write(offset, Buffer.from("JUNK", "latin1"));
  patches.wipe(Math.min(offset + 8, end), end);
}
