import { once } from "node:events";
import { createDeflate, createInflate } from "node:zlib";

import type { ByteSource } from "../byte-source.ts";
import { damaged } from "../damaged.ts";
import type { PngChunkContent } from "./chunks.ts";

/**
 * Bytes that zlib puts out at once. With its default of 16 KB, a very large picture takes several times as long; more than
 * needed would cost time for each of many small frames.
 */
const chunkSize = (rowBytes: number) => Math.min(1024 * 1024, Math.max(16 * 1024, rowBytes));
/** Compressed bytes that are inflated at once, to as much as 4 MB: deflate shrinks data up to 1032 times. */
const bytesPerInflation = 4 * 1024;
/** Recompressed data is held in memory until the new file is written. */
const maxRecompressedBytes = 256 * 1024 * 1024;

/** An fdAT chunk starts with its sequence number; the chunks of an animation are numbered without gaps. */
const sequenceNumberBytes = 4;
/** Bytes of a chunk's content before its compressed data. */
export const headBytes = ({ type }: PngChunkContent): number => (type === "fdAT" ? sequenceNumberBytes : 0);

/**
 * Inflates the content of chunks in constant memory.
 * @param rowBytes bytes of all rows
 * @param take receives what one piece of the content inflates to; returns whether to continue
 * @returns the number of compressed bytes up to the end of the stream; undefined if its end was not reached, with the error
 * if there was one
 */
export async function inflate(
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

/**
 * Inflates the content of chunks up to the last row, and compresses that again.
 * @throws ApiError DAMAGED_MEDIA if it takes too much memory
 */
export async function recompress(
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
