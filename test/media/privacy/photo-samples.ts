import { deflateSync } from "node:zlib";

/** A picture with something to see, made once per process. */
function colours(): { width: number; height: number; rows: Buffer } {
  const [width, height] = [48, 32];
  const rows = Buffer.alloc((width * 4 + 1) * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      rows.set([x * 5, y * 7, (x * y) % 256, 255 - x * 2], y * (width * 4 + 1) + 1 + x * 4);
  return { width, height, rows };
}

/** EXIF with an orientation, a serial number and a thumbnail that has JPEG markers of its own. */
export function secretExif(orientation: number, order: "II" | "MM" = "II"): Buffer {
  const little = order === "II";
  const tiff = Buffer.alloc(120);
  const u16 = (value: number, at: number) =>
    little ? tiff.writeUInt16LE(value, at) : tiff.writeUInt16BE(value, at);
  const u32 = (value: number, at: number) =>
    little ? tiff.writeUInt32LE(value, at) : tiff.writeUInt32BE(value, at);
  tiff.write(order, 0);
  u16(42, 2);
  u32(8, 4);
  u16(2, 8);
  u16(0x0112, 10);
  u16(3, 12);
  u32(1, 14);
  u16(orientation, 18);
  u16(0x013b, 22);
  u16(2, 24);
  u32(14, 26);
  u32(60, 30);
  tiff.write("secret-artist\0", 60, "latin1");
  tiff.write("\xff\xd8\xff\xda\0\x02secret\xff\xd9", 80, "latin1");
  return tiff;
}

export const xmp = Buffer.from('<x:xmpmeta xmlns:x="adobe:ns:meta/">secret</x:xmpmeta>');
export const profile = Buffer.alloc(200, "profile");

export function jpegSegment(marker: number, ...content: (Buffer | string)[]): Buffer {
  const body = Buffer.concat(
    content.map((part) => (typeof part === "string" ? Buffer.from(part, "latin1") : part)),
  );
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(body.length + 2, 2);
  return Buffer.concat([head, body]);
}

/** A JPEG's segments and scans, in order: `[SOI]`, `[marker, segment]`…, with coded data behind its SOS. */
export function jpegParts(jpeg: Buffer): { marker: number; bytes: Buffer }[] {
  const parts = [{ marker: 0xd8, bytes: jpeg.subarray(0, 2) }];
  for (let at = 2; at < jpeg.length;) {
    const marker = jpeg.readUInt8(at + 1);
    let end = marker === 0xd9 ? at + 2 : at + 2 + jpeg.readUInt16BE(at + 2);
    if (marker === 0xda)
      while (jpeg[end] !== 0xff || jpeg[end + 1] === 0 || ((jpeg[end + 1] ?? 0) & 0xf8) === 0xd0) end++;
    parts.push({ marker, bytes: jpeg.subarray(at, end) });
    at = end;
    if (marker === 0xd9) break;
  }
  return parts;
}

export async function plainJpeg(progressive = false): Promise<Buffer> {
  return Buffer.from(await new Bun.Image(plainPng()).jpeg({ quality: 90, progressive }).bytes());
}

/** A JPEG with these segments before its tables. */
export function withSegments(jpeg: Buffer, ...segments: Buffer[]): Buffer {
  return Buffer.concat([jpeg.subarray(0, 2), ...segments, jpeg.subarray(2)]);
}

export function pngChunk(type: string, content: Buffer | string = ""): Buffer {
  const body = typeof content === "string" ? Buffer.from(content, "latin1") : content;
  const bytes = Buffer.alloc(12 + body.length);
  bytes.writeUInt32BE(body.length, 0);
  bytes.write(type, 4, "latin1");
  body.copy(bytes, 8);
  bytes.writeUInt32BE(Bun.hash.crc32(bytes.subarray(4, 8 + body.length)), 8 + body.length);
  return bytes;
}

/** A PNG of the chunks `before` and `after` its data, and bytes behind its end. */
export function plainPng(before: Buffer[] = [], after: Buffer[] = [], behind = ""): Buffer {
  const { width, height, rows } = colours();
  const header = Buffer.from([0, 0, 0, width, 0, 0, 0, height, 8, 6, 0, 0, 0]);
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    pngChunk("IHDR", header),
    ...before,
    pngChunk("IDAT", deflateSync(rows)),
    ...after,
    pngChunk("IEND"),
    Buffer.from(behind),
  ]);
}

export function pngChunks(png: Buffer): { type: string; content: Buffer; bytes: Buffer }[] {
  const chunks: { type: string; content: Buffer; bytes: Buffer }[] = [];
  for (let at = 8; at < png.length;) {
    const end = at + 12 + png.readUInt32BE(at);
    const type = png.toString("latin1", at + 4, at + 8);
    chunks.push({ type, content: png.subarray(at + 8, end - 4), bytes: png.subarray(at, end) });
    at = end;
  }
  return chunks;
}

export function riffChunk(type: string, content: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.write(type, 0, "latin1");
  head.writeUInt32LE(content.length, 4);
  return Buffer.concat([head, content, Buffer.alloc(content.length % 2)]);
}

export function riffFile(kind: string, ...chunks: Buffer[]): Buffer {
  return riffChunk("RIFF", Buffer.concat([Buffer.from(kind), ...chunks]));
}

export function riffChunks(content: Buffer): { type: string; content: Buffer }[] {
  const chunks: { type: string; content: Buffer }[] = [];
  for (let at = 0; at + 8 <= content.length;) {
    const length = content.readUInt32LE(at + 4);
    chunks.push({
      type: content.toString("latin1", at, at + 4),
      content: content.subarray(at + 8, at + 8 + length),
    });
    at += 8 + length + (length % 2);
  }
  return chunks;
}

/** The image chunks of a WebP without VP8X. */
export async function webpImage(lossless: boolean): Promise<Buffer> {
  const file = Buffer.from(await new Bun.Image(await plainJpeg()).webp({ lossless }).bytes());
  return file.subarray(12);
}

export function vp8x(flags: number, width = 48, height = 32): Buffer {
  const content = Buffer.alloc(10);
  content.writeUInt8(flags, 0);
  content.writeUIntLE(width - 1, 4, 3);
  content.writeUIntLE(height - 1, 7, 3);
  return riffChunk("VP8X", content);
}

const gifImage = Buffer.from("2c000000000100010000024401" + "00", "hex");
export const gifParts = {
  screen: Buffer.from("GIF89a\x03\0\x02\0\x80\0\0\0\0\0\xff\xff\xff", "latin1"),
  control: Buffer.from("21f9040514000000", "hex"),
  image: Buffer.concat([gifImage.subarray(0, 10), Buffer.from([2, 2, 0x44, 1, 0])]),
  trailer: Buffer.from([0x3b]),
  loop: Buffer.from("!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0", "latin1"),
  comment: Buffer.from("!\xfe\x06secret\x06secret\0", "latin1"),
  /** XMP stands in a GIF as it is, followed by 258 bytes that lead any walker of sub-blocks to its end. */
  xmp: Buffer.concat([
    Buffer.from("!\xff\x0bXMP DataXMP", "latin1"),
    xmp,
    Buffer.from([1, ...Array.from({ length: 256 }, (_, index) => 255 - index), 0]),
  ]),
};
