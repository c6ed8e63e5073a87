import { once } from "node:events";
import { crc32, createDeflate, createInflate } from "node:zlib";

import type { ByteSource } from "../byte-source.ts";
import { damaged } from "../damaged.ts";
import type { DataProblem, Pieces } from "../plan.ts";
import type { RowChecker } from "./rows.ts";

/** The content of a chunk in a file. */
export interface PngChunkContent {
  readonly type: string;
  /** Offset of the chunk's length field, which precedes its type. */
  readonly offset: number;
  /** Bytes of the content. */
  readonly length: number;
}

const bytesPerRead = 256 * 1024;
/**
 * Bytes that zlib puts out at once. With its default of 16 KB, a very large picture takes several times as long; more than
 * needed would cost time for each of many small frames.
 */
const chunkSize = (rowBytes: number) => Math.min(1024 * 1024, Math.max(16 * 1024, rowBytes));
/** Compressed bytes that are inflated at once, to as much as 4 MB: deflate shrinks data up to 1032 times. */
const bytesPerInflation = 4 * 1024;
/** Recompressed data is held in memory until the new file is written. */
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

/** Keeps a chunk and corrects its checksum if it is wrong. @returns whether it was right */
export async function keepWithChecksum(
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

/** An fdAT chunk starts with its sequence number; the chunks of an animation are numbered without gaps. */
const sequenceNumberBytes = 4;
const headBytes = ({ type }: PngChunkContent) => (type === "fdAT" ? sequenceNumberBytes : 0);

/**
 * Keeps the IDAT or fdAT chunks of a picture up to the end of its compressed data (RFC 1950). Decoders ignore bytes
 * after that end and rows after the last one. Where such extra rows share the compressed data, the picture's own rows
 * are recompressed. Data that holds too few rows, or does not inflate, is kept for the caller to judge.
 *
 * A wrong checksum of the last chunk is corrected, because browsers have shown every row before they reach it. They
 * stop at a wrong checksum of an earlier chunk.
 * @param rows checks the rows, of which it has taken none
 * @returns the problem of the data, which decoders also find: rows are missing, or damaged; undefined without one
 * @throws ApiError DAMAGED_MEDIA for a wrong checksum before the last chunk, and for a picture with extra rows that
 * takes too much memory to recompress
 */
export async function keepPictureData(
  pieces: Pieces,
  source: ByteSource,
  chunks: readonly PngChunkContent[],
  rows: RowChecker,
): Promise<DataProblem | undefined> {
  const { end, problem } = await checkStream(source, chunks, rows);
  const isRecompressed = rows.isDone && end === undefined;
  const [first] = chunks;
  if (first && isRecompressed) {
    const head = await source.read(first.offset + 8, headBytes(first));
    addChunk(pieces, first.type, [Buffer.from(head), ...(await recompress(source, chunks, rows.bytes))]);
  }
  let left = isRecompressed ? 0 : (end ?? Infinity);
  for (const [index, chunk] of chunks.entries()) {
    if (isRecompressed && index === 0) continue;
    const length = Math.min(chunk.length, headBytes(chunk) + left);
    left -= length - headBytes(chunk);
    if (length === chunk.length) {
      const isRight = await keepWithChecksum(pieces, source, chunk);
      if (!isRight && left > 0 && index < chunks.length - 1)
        throw damaged("a wrong checksum within the data");
    } else if (length > 0) {
      pieces.add(uint32(length));
      pieces.keep(chunk.offset + 4, 4 + length);
      pieces.add(uint32(await chunkChecksum(source, { ...chunk, length })));
    }
  }
  return problem;
}

interface CheckedStream {
  /** Compressed bytes up to the end of the stream; undefined if the stream does not end right after the rows. */
  readonly end: number | undefined;
  readonly problem: DataProblem | undefined;
}

async function checkStream(
  source: ByteSource,
  chunks: readonly PngChunkContent[],
  rows: RowChecker,
): Promise<CheckedStream> {
  let inflatedBytes = 0;
  const { end, error } = await inflate(source, chunks, rows.bytes, (inflated) => {
    for (const bytes of inflated) {
      inflatedBytes += bytes.length;
      rows.take(bytes);
    }
    return inflatedBytes <= rows.bytes;
  });
  // Z_BUF_ERROR is the code for data that ends too early.
  const isBroken = error !== undefined && error.code !== "Z_BUF_ERROR";
  const isDamaged = rows.hasBadFilter || (isBroken && !rows.isDone);
  return { end, problem: isDamaged ? "damaged" : rows.isDone ? undefined : "cut off" };
}

async function recompress(
  source: ByteSource,
  chunks: readonly PngChunkContent[],
  rowBytes: number,
): Promise<Buffer[]> {
  const deflater = createDeflate({ chunkSize: chunkSize(rowBytes) });
  const ended = once(deflater, "end");
  const parts: Buffer[] = [];
  let compressedBytes = 0;
  deflater.on("data", (part: Buffer) => {
    parts.push(part);
    compressedBytes += part.length;
  });
  let left = rowBytes;
  await inflate(source, chunks, rowBytes, async (inflated) => {
    for (const bytes of inflated) {
      if (left === 0) break;
      const taken = bytes.subarray(0, left);
      left -= taken.length;
      await new Promise((resolve) => void deflater.write(taken, resolve));
    }
    if (compressedBytes > maxRecompressedBytes) throw damaged("too much data to recompress");
    return left > 0;
  });
  deflater.end();
  await ended;
  return parts;
}

function addChunk(pieces: Pieces, type: string, content: readonly Buffer[]): void {
  const name = Buffer.from(type, "latin1");
  pieces.add(uint32(content.reduce((sum, { length }) => sum + length, 0)));
  for (const part of [name, ...content]) pieces.add(part);
  pieces.add(uint32([name, ...content].reduce((checksum, part) => crc32(part, checksum), 0)));
}

/**
 * Inflates the content of chunks in constant memory.
 * @param take receives what one piece of the content inflates to; returns whether to continue
 * @returns the number of compressed bytes up to the end of the stream; undefined if its end was not reached, with the error
 * if there was one
 */
async function inflate(
  source: ByteSource,
  chunks: readonly PngChunkContent[],
  rowBytes: number,
  take: (inflated: readonly Buffer[]) => boolean | Promise<boolean>,
): Promise<{ readonly end: number | undefined; readonly error?: NodeJS.ErrnoException }> {
  const inflater = createInflate({ chunkSize: chunkSize(rowBytes) });
  const state: { isClosed: boolean; error?: NodeJS.ErrnoException } = { isClosed: false };
  const closed = Promise.withResolvers<void>();
  const close = (error?: NodeJS.ErrnoException) => {
    state.isClosed = true;
    if (error) state.error = error;
    closed.resolve();
  };
  inflater.on("end", () => close());
  inflater.on("error", close);
  let inflated: Buffer[] = [];
  inflater.on("data", (bytes: Buffer) => void inflated.push(bytes));
  const takeInflated = async () => {
    const taken = inflated;
    inflated = [];
    return take(taken);
  };
  try {
    for await (const bytes of contents(source, chunks)) {
      // A stream that ends before the last byte of its input never calls back.
      await Promise.race([new Promise((resolve) => void inflater.write(bytes, resolve)), closed.promise]);
      if (!(await takeInflated())) return { end: undefined };
      if (state.isClosed) break;
    }
    if (!state.isClosed) {
      inflater.end();
      await closed.promise;
      if (!(await takeInflated())) return { end: undefined };
    }
    const { error } = state;
    return error ? { end: undefined, error } : { end: inflater.bytesWritten };
  } finally {
    inflater.destroy();
  }
}

/** The content of all chunks in equal pieces, however small the chunks are. */
async function* contents(
  source: ByteSource,
  chunks: readonly PngChunkContent[],
): AsyncGenerator<Buffer<ArrayBuffer>> {
  let buffer = Buffer.allocUnsafe(bytesPerInflation);
  let filled = 0;
  for (const chunk of chunks)
    for (let done = headBytes(chunk); done < chunk.length;) {
      const part = Math.min(chunk.length - done, buffer.length - filled);
      await source.readInto(buffer.subarray(filled, filled + part), chunk.offset + 8 + done);
      done += part;
      filled += part;
      if (filled < buffer.length) continue;
      yield buffer;
      // The inflater may still use the buffer that it was given.
      buffer = Buffer.allocUnsafe(bytesPerInflation);
      filled = 0;
    }
  if (filled > 0) yield buffer.subarray(0, filled);
}

function uint32(value: number): Buffer<ArrayBuffer> {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
