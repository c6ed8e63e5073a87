import { deflateSync } from "node:zlib";

/** A picture with details, made once per process. */
function colours(): { width: number; height: number; rows: Buffer } {
  const [width, height] = [48, 32];
  const rows = Buffer.alloc((width * 4 + 1) * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      rows.set([x * 5, y * 7, (x * y) % 256, 255 - x * 2], y * (width * 4 + 1) + 1 + x * 4);
  return { width, height, rows };
}

/** EXIF with an orientation, a serial number and a thumbnail that contains JPEG markers. */
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

export function jpegSegment(marker: number, ...content: (Buffer | string)[]): Buffer {
  const body = Buffer.concat(
    content.map((part) => (typeof part === "string" ? Buffer.from(part, "latin1") : part)),
  );
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(body.length + 2, 2);
  return Buffer.concat([head, body]);
}

/** Splits a JPEG into segments in order: `[SOI]`, `[marker, segment]`…; coded data is part of its SOS. */
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

/** A PNG with chunks before and after its data, and trailing bytes. */
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
  /** XMP is stored in a GIF without sub-blocks, followed by 258 bytes that lead a parser of sub-blocks to the end. */
  xmp: Buffer.concat([
    Buffer.from("!\xff\x0bXMP DataXMP", "latin1"),
    xmp,
    Buffer.from([1, ...Array.from({ length: 256 }, (_, index) => 255 - index), 0]),
  ]),
};

/** A GIF of 200 × 100 pixels whose codes grow to twelve bits and are then reset (GIF89a appendix F). */
export function gifOfManyCodes(): Buffer {
  const [width, height, codeBits] = [200, 100, 4];
  const [clear, end] = [1 << codeBits, (1 << codeBits) + 1];
  const bytes: number[] = [];
  let [waiting, waitingBits, bits] = [0, 0, codeBits + 1];
  const emit = (code: number) => {
    waiting |= code << waitingBits;
    for (waitingBits += bits; waitingBits >= 8; waitingBits -= 8) {
      bytes.push(waiting & 255);
      waiting >>>= 8;
    }
  };
  let codes = new Map<string, number>();
  let next = end + 1;
  const reset = () => {
    emit(clear);
    codes = new Map(Array.from({ length: clear }, (_, value) => [String(value), value]));
    [next, bits] = [end + 1, codeBits + 1];
  };
  reset();
  let text = "";
  let random = 1;
  for (let pixel = 0; pixel < width * height; pixel++) {
    random = (random * 48_271) % 0x7fff_ffff;
    const value = pixel % 3 === 0 ? random % clear : pixel % clear;
    const longer = text === "" ? String(value) : `${text},${value}`;
    if (codes.has(longer)) {
      text = longer;
      continue;
    }
    emit(codes.get(text) as number);
    if (next < 4096) {
      codes.set(longer, next);
      if (next++ === 1 << bits) bits++;
    } else reset();
    text = String(value);
  }
  emit(codes.get(text) as number);
  emit(end);
  bytes.push(waiting & 255);
  const blocks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 255) {
    const part = bytes.slice(at, at + 255);
    blocks.push(Buffer.from([part.length, ...part]));
  }
  const head = Buffer.from("GIF89a\0\0\0\0\x93\0\0", "latin1");
  head.writeUInt16LE(width, 6);
  head.writeUInt16LE(height, 8);
  const colours = Buffer.from(Array.from({ length: clear * 3 }, (_, index) => index * 5));
  const image = Buffer.from([0x2c, 0, 0, 0, 0, 0, 0, 0, 0, 0, codeBits]);
  image.writeUInt16LE(width, 5);
  image.writeUInt16LE(height, 7);
  return Buffer.concat([head, colours, image, ...blocks, Buffer.from([0, 0x3b])]);
}

/** Encodes a number: its size in four bits, then its lowest bits (ITU T.81 section F.1.2.1). */
function jpegNumber(value: number): string {
  const size = value === 0 ? 0 : Math.floor(Math.log2(Math.abs(value))) + 1;
  const lowest =
    size === 0 ? "" : (value > 0 ? value : value + 2 ** size - 1).toString(2).padStart(size, "0");
  return size.toString(2).padStart(4, "0") + lowest;
}

/** Packs coded bits into bytes and pads the last one with ones. */
function jpegData(bits: string): Buffer {
  const bytes = bits.padEnd(Math.ceil(bits.length / 8) * 8, "1").match(/.{8}/g) ?? [];
  return Buffer.from(bytes.flatMap((byte) => (byte === "11111111" ? [255, 0] : [parseInt(byte, 2)])));
}

/**
 * A neutral quantisation table, twelve codes of four bits for sizes, and one code of one bit for the end of a block.
 */
const jpegTables = [
  jpegSegment(0xdb, Buffer.from([0, ...Array<number>(64).fill(1)])),
  jpegSegment(
    0xc4,
    Buffer.from([
      0,
      0,
      0,
      0,
      12,
      ...Array<number>(12).fill(0),
      ...Array.from({ length: 12 }, (_, size) => size),
    ]),
  ),
  jpegSegment(0xc4, Buffer.from([0x10, 1, ...Array<number>(15).fill(0), 0])),
];

/**
 * A CMYK JPEG of 8 × 8 pixels in one colour, with 255 for the maximum of an ink, as Adobe's programs write it:
 * inverted, as CMYK or as YCCK (Adobe TN 5116 section 18).
 */
export function inkJpeg(inks: readonly number[], coding: "CMYK" | "YCCK"): Buffer {
  const [c = 0, m = 0, y = 0, k = 0] = inks.map((ink) => 255 - ink);
  const [r, g, b] = [255 - c, 255 - m, 255 - y];
  const ycck = [
    0.299 * r + 0.587 * g + 0.114 * b,
    128 - 0.168736 * r - 0.331264 * g + 0.5 * b,
    128 + 0.5 * r - 0.418688 * g - 0.081312 * b,
    k,
  ];
  const levels = (coding === "CMYK" ? [c, m, y, k] : ycck).map((value) => Math.round((value - 128) * 8));
  const components = [1, 2, 3, 4];
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    jpegSegment(0xee, `Adobe\0\x64\0\0\0\0${coding === "CMYK" ? "\0" : "\x02"}`),
    ...jpegTables,
    jpegSegment(0xc0, Buffer.from([8, 0, 8, 0, 8, 4, ...components.flatMap((id) => [id, 0x11, 0])])),
    jpegSegment(0xda, Buffer.from([4, ...components.flatMap((id) => [id, 0]), 0, 63, 0])),
    jpegData(levels.map((level) => `${jpegNumber(level)}0`).join("")),
    Buffer.from([0xff, 0xd9]),
  ]);
}

/** A grey JPEG with a restart marker after this number of blocks of 8 × 8 pixels; 0 for no restart markers. */
export function greyJpeg(width: number, height: number, restartInterval = 0): Buffer {
  const blocks = (width / 8) * (height / 8);
  const data: Buffer[] = [];
  let bits = "";
  let last = 0;
  for (let block = 0; block < blocks; block++) {
    if (restartInterval > 0 && block > 0 && block % restartInterval === 0) {
      data.push(jpegData(bits), Buffer.from([0xff, 0xd0 + ((block / restartInterval - 1) % 8)]));
      [bits, last] = ["", 0];
    }
    const level = ((block * 37) % 1600) - 800;
    bits += `${jpegNumber(level - last)}0`;
    last = level;
  }
  const size = Buffer.from([8, 0, 0, 0, 0, 1, 1, 0x11, 0]);
  size.writeUInt16BE(height, 1);
  size.writeUInt16BE(width, 3);
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    ...jpegTables,
    jpegSegment(0xdd, Buffer.from([restartInterval >> 8, restartInterval & 255])),
    jpegSegment(0xc0, size),
    jpegSegment(0xda, Buffer.from([1, 1, 0, 0, 63, 0])),
    ...data,
    jpegData(bits),
    Buffer.from([0xff, 0xd9]),
  ]);
}

/**
 * A sequential JPEG of 24 × 16 pixels in 4:2:0 with a scan for each component: six blocks of luma and two of each
 * chroma component. Extra bytes follow the last block of each scan.
 */
export function jpegOfThreeScans(behindScans = Buffer.alloc(0)): Buffer {
  const components = [
    { id: 1, factors: 0x22, blocks: 6 },
    { id: 2, factors: 0x11, blocks: 2 },
    { id: 3, factors: 0x11, blocks: 2 },
  ];
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    ...jpegTables,
    jpegSegment(
      0xc0,
      Buffer.from([8, 0, 16, 0, 24, 3, ...components.flatMap(({ id, factors }) => [id, factors, 0])]),
    ),
    ...components.flatMap(({ id, blocks }) => [
      jpegSegment(0xda, Buffer.from([1, id, 0, 0, 63, 0])),
      jpegData(Array.from({ length: blocks }, (_, block) => `${jpegNumber(100 * block - 250)}0`).join("")),
      behindScans,
    ]),
    Buffer.from([0xff, 0xd9]),
  ]);
}
