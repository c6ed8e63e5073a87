export const pngSignature = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");

/** Returns a chunk with its length and checksum (PNG third edition, section 5.3). */
export function pngChunk(type: string, content: Uint8Array): Buffer {
  const bytes = Buffer.alloc(12 + content.length);
  bytes.writeUInt32BE(content.length, 0);
  bytes.write(type, 4, "latin1");
  bytes.set(content, 8);
  bytes.writeUInt32BE(Bun.hash.crc32(bytes.subarray(4, 8 + content.length)), 8 + content.length);
  return bytes;
}

/** The content of a chunk in a file. */
export interface PngChunkContent {
  readonly type: string;
  /** Offset of the chunk's length field, which precedes its type. */
  readonly offset: number;
  /** Bytes of the content. */
  readonly length: number;
}
