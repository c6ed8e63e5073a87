import { u16, u32 } from "./container-samples.ts";

type Content = Buffer | string;

const join = (parts: Content[]) =>
  Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part, "latin1") : part)));

/** A start code and its content. */
export function startCode(code: number, ...content: Content[]): Buffer {
  return join([Buffer.from([0, 0, 1, code]), ...content]);
}

/** Pack headers of MPEG-1 and MPEG-2 with clock 0 and a rate. */
export const packs = {
  mpeg1: startCode(0xba, Buffer.from([0x21, 0, 1, 0, 1, 0x80, 0x10, 0x01])),
  mpeg2: startCode(0xba, Buffer.from([0x44, 0, 4, 0, 4, 1, 0, 0x10, 0x03, 0xfa, 0xff, 0xff])),
};

/** A packet with the header of its generation. */
export function packet(stream: number, generation: keyof typeof packs, ...content: Content[]): Buffer {
  const header = {
    mpeg1: Buffer.from([0xff, 0xff, 0x60, 0x20, 0x21, 0, 1, 0, 1]),
    mpeg2: Buffer.from([0x81, 0, 0]),
  }[generation];
  const body = join([header, ...content]);
  return startCode(stream, u16(body.length), body);
}

/** A sequence header, a group, a picture and a slice. */
export function videoStream(width = 64, height = 48, ...more: Buffer[]): Buffer {
  const sizes = u32((width & 0xfff) * 0x10_0000 + (height & 0xfff) * 0x100 + 0x13);
  return Buffer.concat([
    startCode(0xb3, sizes, Buffer.from([0xff, 0xff, 0xe0, 0x18])),
    ...more,
    startCode(0xb8, u32(0)),
    startCode(0x00, u32(0)),
    startCode(0x01, "coded slice"),
  ]);
}

/** The sequence extension of MPEG-2, with two more bits of width and height. */
export function sequenceExtension(width: number, height: number): Buffer {
  return startCode(0xb5, u32(0x1000_0000 + ((width >> 12) << 15) + ((height >> 12) << 13)), u16(0));
}

/** A program stream map with its checksum (ISO/IEC 13818-1 section 2.5.4). */
export function programMap(...entries: Buffer[]): Buffer {
  const streams = join(entries);
  const map = startCode(
    0xbc,
    u16(10 + streams.length),
    Buffer.from([0xe0, 0xff]),
    u16(0, streams.length),
    streams,
  );
  let sum = 0xffff_ffff;
  for (let bit = 0; bit < map.length * 8; bit++) {
    const isSet = ((map[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1;
    sum = ((sum << 1) ^ ((sum >>> 31) ^ isSet ? 0x04c1_1db7 : 0)) >>> 0;
  }
  return join([map, u32(sum)]);
}

/** An entry of a program stream map: stream type, stream ID and descriptors. */
export function mapEntry(type: number, stream: number, descriptors = Buffer.alloc(0)): Buffer {
  return join([Buffer.from([type, stream]), u16(descriptors.length), descriptors]);
}
