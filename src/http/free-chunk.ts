/**
 * Frees the memory of a request body's chunk, whose bytes nothing uses any more, before the garbage collector would. A chunk
 * that is a part of a larger buffer stays. See docs/decisions/0016-freed-chunks.md.
 */
export function freeChunk(chunk: Uint8Array<ArrayBuffer>): void {
  if (chunk.length === chunk.buffer.byteLength) chunk.buffer.transfer(0);
}
