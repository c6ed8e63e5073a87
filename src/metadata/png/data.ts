import { once } from "node:events";
import { crc32, createInflate, deflateSync } from "node:zlib";

import type { ByteSource } from "../byte-source.ts";
import { damaged } from "../damaged.ts";
import { pngChunk } from "./chunks.ts";
import type { Pieces } from "../plan.ts";

/** The content of a chunk in a file. */
export interface PngChunkContent {
  readonly type: string;
  /** Of the chunk's length, in front of its type. */
  readonly offset: number;
  /** Bytes of the content. */
  readonly length: number;
}

const bytesPerRead = 256 * 1024;
/** Bytes of rows that are compressed anew in memory: 64 megapixels with opacity. */
const maxRecompressedBytes = 256 * 1024 * 1024;

/** The checksum of a chunk's type and content. */
export async function chunkChecksum(
  source: ByteSource,
  { offset, length }: PngChunkContent,
): Promise<number> {
  let checksum = 0;
  const end = offset + 8 + length;
  for (let from = offset + 4; from < end; from += bytesPerRead)
    checksum = crc32(await source.read(from, Math.min(bytesPerRead, end - from)), checksum);
  return checksum;
}

/** Keeps a chunk, with a new checksum where its own is wrong. @returns whether it was right */
export async function keepMended(
  pieces: Pieces,
  source: ByteSource,
  chunk: PngChunkContent,
): Promise<boolean> {
  const { offset, length } = chunk;
  const checksum = await chunkChecksum(source, chunk);
  pieces.keep(offset, 8 + length);
  const isRight = (await source.read(offset + 8 + length, 4)).readUInt32BE(0) === checksum;
  if (isRight) pieces.keep(offset + 8 + length, 4);
  else pieces.add(uint32(checksum));
  return isRight;
}

/** Of an fdAT chunk, in front of its data: chunks of an animation are numbered without gaps. */
const sequenceNumberBytes = 4;
const headBytes = ({ type }: PngChunkContent) => (type === "fdAT" ? sequenceNumberBytes : 0);

/**
 * Keeps the IDAT or fdAT chunks of a picture up to the end of its compressed data (RFC 1950). Decoders ignore bytes behind
 * that end, and rows beyond the last one; where such rows were compressed with the others, the picture's own are
 * compressed anew. Data that holds too few rows, or does not inflate, is kept for a decoder to judge.
 *
 * A wrong checksum of the last chunk is mended: browsers have shown all rows when they come to it. At one of an earlier
 * chunk they stop.
 * @param rowBytes of all rows together, before compression
 * @throws ApiError DAMAGED_MEDIA for a wrong checksum in front of the last chunk, and for superfluous rows in a picture
 * too large to be compressed anew
 */
export async function keepPictureData(
  pieces: Pieces,
  source: ByteSource,
  chunks: readonly PngChunkContent[],
  rowBytes: number,
): Promise<void> {
  const { inflatedBytes, end } = await measureStream(source, chunks, rowBytes);
  const isRecompressed = inflatedBytes >= rowBytes && end === undefined;
  const [first] = chunks;
  if (first && isRecompressed) {
    const head = await source.read(first.offset + 8, headBytes(first));
    const content = Buffer.concat([head, await recompress(source, chunks, rowBytes)]);
    pieces.add(pngChunk(first.type, content));
  }
  let left = isRecompressed ? 0 : (end ?? Infinity);
  for (const [index, chunk] of chunks.entries()) {
    if (isRecompressed && index === 0) continue;
    const length = Math.min(chunk.length, headBytes(chunk) + left);
    left -= length - headBytes(chunk);
    if (length === chunk.length) {
      const isRight = await keepMended(pieces, source, chunk);
      if (!isRight && left > 0 && index < chunks.length - 1)
        throw damaged("a wrong checksum within the data");
    } else if (length > 0) {
      pieces.add(uint32(length));
      pieces.keep(chunk.offset + 4, 4 + length);
      pieces.add(uint32(await chunkChecksum(source, { ...chunk, length })));
    }
  }
}

interface MeasuredStream {
  readonly inflatedBytes: number;
  /** Compressed bytes up to the stream's end; undefined where it does not end behind exactly the rows. */
  readonly end: number | undefined;
}

async function measureStream(
  source: ByteSource,
  chunks: readonly PngChunkContent[],
  rowBytes: number,
): Promise<MeasuredStream> {
  let inflatedBytes = 0;
  const end = await inflate(source, chunks, (bytes) => (inflatedBytes += bytes.length) <= rowBytes);
  return { inflatedBytes, end: inflatedBytes > rowBytes ? undefined : end };
}

async function recompress(
  source: ByteSource,
  chunks: readonly PngChunkContent[],
  rowBytes: number,
): Promise<Buffer> {
  if (rowBytes > maxRecompressedBytes) throw damaged("superfluous data in a very large picture");
  const rows = Buffer.alloc(rowBytes);
  let filled = 0;
  await inflate(source, chunks, (bytes) => {
    filled += bytes.copy(rows, filled);
    return filled < rowBytes;
  });
  return deflateSync(rows);
}

/**
 * Inflates the content of chunks in constant memory.
 * @param take returns whether it wants more
 * @returns the number of compressed bytes up to the stream's end; undefined where it did not come to its end
 */
async function inflate(
  source: ByteSource,
  chunks: readonly PngChunkContent[],
  take: (bytes: Buffer) => boolean,
): Promise<number | undefined> {
  const inflater = createInflate();
  let state: "open" | "ended" | "stopped" = "open";
  const isOpen = () => state === "open";
  inflater.on("data", (bytes: Buffer) => {
    if (!take(bytes)) state = "stopped";
  });
  const closed = Promise.withResolvers<void>();
  inflater.on("end", () => {
    if (isOpen()) state = "ended";
    closed.resolve();
  });
  inflater.on("error", () => {
    state = "stopped";
    closed.resolve();
  });
  for await (const bytes of contents(source, chunks)) {
    if (!isOpen()) break;
    if (!inflater.write(bytes)) await Promise.race([once(inflater, "drain").catch(() => {}), closed.promise]);
  }
  if (isOpen()) {
    inflater.end();
    await closed.promise;
  }
  const end = inflater.bytesWritten;
  inflater.destroy();
  return (state as string) === "ended" ? end : undefined;
}

/** The content of all chunks, with those of many small chunks put together. */
async function* contents(
  source: ByteSource,
  chunks: readonly PngChunkContent[],
): AsyncGenerator<Buffer<ArrayBuffer>> {
  let buffer = Buffer.allocUnsafe(bytesPerRead);
  let filled = 0;
  for (const chunk of chunks)
    for (let done = headBytes(chunk); done < chunk.length;) {
      const part = Math.min(chunk.length - done, buffer.length - filled);
      await source.readInto(buffer.subarray(filled, filled + part), chunk.offset + 8 + done);
      done += part;
      filled += part;
      if (filled < buffer.length) continue;
      yield buffer;
      // The inflater may still hold the one that it was given.
      buffer = Buffer.allocUnsafe(bytesPerRead);
      filled = 0;
    }
  if (filled > 0) yield buffer.subarray(0, filled);
}

function uint32(value: number): Buffer<ArrayBuffer> {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
