import { crc32 } from "node:zlib";

import type { ByteSource } from "../byte-source.ts";
import { damaged } from "../damaged.ts";
import type { DataProblem, Pieces } from "../plan.ts";
import type { PngChunkContent } from "./chunks.ts";
import { headBytes, inflate, recompress } from "./compressed-data.ts";
import type { RowChecker } from "./rows.ts";

const bytesPerRead = 256 * 1024;

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

function addChunk(pieces: Pieces, type: string, content: readonly Buffer[]): void {
  const name = Buffer.from(type, "latin1");
  pieces.add(uint32(content.reduce((sum, { length }) => sum + length, 0)));
  for (const part of [name, ...content]) pieces.add(part);
  pieces.add(uint32([name, ...content].reduce((checksum, part) => crc32(part, checksum), 0)));
}

function uint32(value: number): Buffer<ArrayBuffer> {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
