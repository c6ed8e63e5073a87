import type { BunFile } from "bun";

const alphaFlag = 0x10;
const animationFlag = 0x02;
const frameHeaderBytes = 16;

/**
 * Returns the first frame of an animated WebP as a still WebP (RFC 9649 section 2.7), because decoders of still
 * pictures reject animations. Returns the file itself if it is not animated.
 * @param path a file that planWebp wrote, so that its chunks are valid
 */
export async function firstWebpFrame(path: string): Promise<BunFile | Buffer<ArrayBuffer>> {
  const file = Bun.file(path);
  const head = Buffer.from(await file.slice(0, 21).bytes());
  const isAnimated = head.toString("latin1", 12, 16) === "VP8X" && (head.readUInt8(20) & animationFlag) !== 0;
  if (!isAnimated) return file;
  const bytes = Buffer.from(await file.bytes());
  let offset = 12;
  while (chunkType(bytes, offset) !== "ANMF") offset += 8 + paddedLength(bytes, offset);
  const frame = bytes.subarray(offset + 8, offset + 8 + bytes.readUInt32LE(offset + 4));
  const image = frame.subarray(frameHeaderBytes);
  const header = Buffer.alloc(30);
  header.write("RIFF", 0, "latin1");
  header.writeUInt32LE(header.length - 8 + image.length, 4);
  header.write("WEBPVP8X", 8, "latin1");
  header.writeUInt32LE(10, 16);
  header.writeUInt8(chunkType(image, 0) === "ALPH" ? alphaFlag : 0, 20);
  // Width and height of the frame, minus one, three bytes each.
  frame.copy(header, 24, 6, 12);
  return Buffer.concat([header, image]);
}

const chunkType = (bytes: Buffer, offset: number) => bytes.toString("latin1", offset, offset + 4);
const paddedLength = (bytes: Buffer, offset: number) => {
  const length = bytes.readUInt32LE(offset + 4);
  return length + (length % 2);
};
