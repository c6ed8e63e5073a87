import { describe, expect, test } from "bun:test";
import { once } from "node:events";
import { createDeflate, createInflate, deflateSync, inflateSync } from "node:zlib";

import { cleanProfile } from "../../src/metadata/icc.ts";
import { displayProfile } from "../support/icc-samples.ts";
import { clean, leaks, outcome, pixels } from "./cleaning.ts";
import { u32 } from "./container-samples.ts";
import { plainPng, pngChunk, pngChunks, secretExif, xmp } from "./photo-samples.ts";

const text = [
  pngChunk("tEXt", "Comment\0secret"),
  pngChunk("zTXt", "Title\0\0secret"),
  pngChunk("iTXt", Buffer.concat([Buffer.from("XML:com.adobe.xmp\0\0\0\0\0"), xmp])),
  pngChunk("tIME", Buffer.from([7, 0xe4, 1, 2, 3, 4, 5])),
  pngChunk("prVt", "secret"),
];
const frameControl = (x: number, y: number, width: number, height: number) =>
  pngChunk("fcTL", Buffer.concat([u32(0, width, height, x, y), Buffer.alloc(6)]));
/** The data of a frame: transparent pixels. */
const frameData = (sequence: number, width: number, height: number) =>
  pngChunk("fdAT", Buffer.concat([u32(sequence), deflateSync(Buffer.alloc((1 + width * 4) * height))]));
const types = (png: Buffer) => pngChunks(png).map(({ type }) => type);

/** Chunks that describe a picture of four samples, and the length of their content. */
const describing = { gAMA: 4, cHRM: 32, sRGB: 1, cICP: 4, mDCV: 24, cLLI: 8, sBIT: 4, bKGD: 6, pHYs: 9 };
const withWrongChecksum = (chunk: Buffer) => {
  const bytes = Buffer.from(chunk);
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 0x55, bytes.length - 1);
  return bytes;
};

describe("PNG", () => {
  test("PNG: removes texts, times and EXIF before and after the data, and no pixel", async () => {
    const sample = plainPng([...text, pngChunk("eXIf", secretExif(6))], text, "secret tail");
    const { bytes, facts, left } = await clean(sample, "image/png");
    expect(leaks(bytes)).toBeFalse();
    expect(types(bytes)).toEqual(["IHDR", "eXIf", "IDAT", "IEND"]);
    expect(await pixels(bytes)).toEqual(await pixels(plainPng()));
    expect(facts).toMatchObject({
      bytes: bytes.length,
      orientation: 6,
      size: { width: 32, height: 48 },
      decodedPixels: 32 * 48,
      hasPicture: true,
    });
    expect(left).toEqual(["upload"]);
  });

  test.each(["", "Exif\0\0"])(
    "PNG: keeps the orientation right after IHDR with a valid checksum (prefix %p)",
    async (prefix) => {
      const exif = pngChunk("eXIf", Buffer.concat([Buffer.from(prefix), secretExif(3, "MM")]));
      const { bytes, facts } = await clean(plainPng([exif]), "image/png");
      const written = pngChunks(bytes)[1];
      expect(written?.type).toBe("eXIf");
      expect(written?.content).toHaveLength(26);
      expect(written?.bytes).toEqual(pngChunk("eXIf", written?.content));
      expect(facts.orientation).toBe(3);
    },
  );

  test("PNG: keeps an orientation after the data there, where browsers ignore it", async () => {
    const exif = pngChunk("eXIf", secretExif(6));
    const { bytes, facts } = await clean(plainPng([], [...text, exif]), "image/png");
    expect(leaks(bytes)).toBeFalse();
    expect(types(bytes)).toEqual(["IHDR", "IDAT", "eXIf", "IEND"]);
    expect(facts).toMatchObject({ orientation: 1, size: { width: 48, height: 32 } });
    const both = await clean(plainPng([pngChunk("eXIf", secretExif(3))], [exif]), "image/png");
    expect(types(both.bytes)).toEqual(["IHDR", "eXIf", "IDAT", "IEND"]);
    expect(both.facts.orientation).toBe(3);
  });

  const compressed = (profile: Buffer, name = "secret name") =>
    pngChunk("iCCP", Buffer.concat([Buffer.from(`${name}\0\0`), deflateSync(profile)]));
  test("PNG: rebuilds the colour profile without its name", async () => {
    const { bytes, facts } = await clean(plainPng([compressed(displayProfile())]), "image/png");
    const [, chunk] = pngChunks(bytes);
    expect(chunk?.content.toString("latin1", 0, 5)).toBe("icc\0\0");
    const written = inflateSync(chunk!.content.subarray(5));
    expect(written).toEqual(cleanProfile(displayProfile()) as Buffer<ArrayBuffer>);
    expect(chunk?.bytes).toEqual(pngChunk("iCCP", chunk?.content));
    expect(facts.decoding?.colours).toEqual({ profile: written });
  });

  test("PNG: removes a colour profile that decoders ignore or that inflates beyond the limit", async () => {
    const endless = pngChunk(
      "iCCP",
      Buffer.concat([Buffer.from("a\0\0"), deflateSync(Buffer.alloc(20_000_000))]),
    );
    for (const chunk of [
      compressed(Buffer.alloc(200)),
      pngChunk("iCCP", "no end"),
      pngChunk("iCCP", "a\0\0junk"),
      endless,
    ])
      expect(types((await clean(plainPng([chunk]), "image/png")).bytes)).toEqual(["IHDR", "IDAT", "IEND"]);
  });

  test("PNG: keeps chunks of colours, density and animation in order", async () => {
    const before = Object.entries(describing).map(([type, length]) =>
      pngChunk(type, Buffer.alloc(length, 1)),
    );
    before.push(pngChunk("acTL", u32(2, 0)));
    before.push(frameControl(0, 0, 48, 32));
    const after = [frameControl(1, 2, 47, 30), frameData(2, 47, 30)];
    const plain = plainPng(before, after);
    const mixed = plainPng([...text, ...before], [...after, ...text]);
    expect((await clean(plain, "image/png")).bytes).toEqual(plain);
    expect((await clean(mixed, "image/png")).bytes).toEqual(plain);
  });

  test("PNG: removes description chunks that are repeated, after the data, or have a wrong length or checksum", async () => {
    const plain = plainPng();
    for (const [type, length] of Object.entries(describing)) {
      for (const wrong of [0, length - 1, length + 6])
        expect((await clean(plainPng([pngChunk(type, Buffer.alloc(wrong, 1))]), "image/png")).bytes).toEqual(
          plain,
        );
      const right = pngChunk(type, Buffer.alloc(length, 1));
      expect((await clean(plainPng([withWrongChecksum(right)]), "image/png")).bytes).toEqual(plain);
      expect((await clean(plainPng([], [right]), "image/png")).bytes).toEqual(plain);
      const twice = plainPng([right, pngChunk(type, Buffer.alloc(length, 2))]);
      expect((await clean(twice, "image/png")).bytes).toEqual(plainPng([right]));
    }
  });

  test("PNG: removes the palette of a true-colour picture, and histograms", async () => {
    const sample = plainPng([
      pngChunk("PLTE", "secret"),
      pngChunk("hIST", "secret"),
      pngChunk("tRNS", "secret"),
    ]);
    expect((await clean(sample, "image/png")).bytes).toEqual(plainPng());
  });

  /** A PNG of 2 × 2 pixels in the colours of a palette, two bits each. */
  const indexedPng = (...chunks: Buffer[]) =>
    Buffer.concat([
      plainPng().subarray(0, 8),
      pngChunk("IHDR", Buffer.from([0, 0, 0, 2, 0, 0, 0, 2, 2, 3, 0, 0, 0])),
      ...chunks,
      pngChunk("IDAT", deflateSync(Buffer.from([0, 0x10, 0, 0xb0]))),
      pngChunk("IEND"),
    ]);
  test("PNG: keeps only palette and transparency entries that the bit depth can address", async () => {
    const palette = (colours: number) => pngChunk("PLTE", Buffer.alloc(colours * 3, "abcdefghijklmno"));
    const opacity = (entries: number) => pngChunk("tRNS", Buffer.alloc(entries, 7));
    const whole = indexedPng(palette(4), opacity(4));
    expect((await clean(whole, "image/png")).bytes).toEqual(whole);
    expect((await clean(indexedPng(palette(5), opacity(4)), "image/png")).bytes).toEqual(whole);
    expect((await clean(indexedPng(palette(4), opacity(5)), "image/png")).bytes).toEqual(
      indexedPng(palette(4)),
    );
    for (const broken of [pngChunk("PLTE"), pngChunk("PLTE", "1234"), pngChunk("PLTE", Buffer.alloc(771))])
      expect(await outcome(indexedPng(broken), "image/png")).toBe("DAMAGED_MEDIA");
    expect(await outcome(indexedPng(withWrongChecksum(palette(4))), "image/png")).toBe("DAMAGED_MEDIA");
  });

  const plainData = () => pngChunks(plainPng()).find(({ type }) => type === "IDAT")!.content;
  const pngOfData = (...data: Buffer[]) =>
    Buffer.concat([
      plainPng().subarray(0, 33),
      ...data.map((content) => pngChunk("IDAT", content)),
      pngChunk("IEND"),
    ]);
  test("PNG: removes data after the end of the compressed stream", async () => {
    const data = plainData();
    const [secret, plain] = [Buffer.from("secret"), plainPng()];
    const behind = [Buffer.concat([data, secret])];
    for (const sample of [behind, [data, secret, secret]])
      expect((await clean(pngOfData(...sample), "image/png")).bytes).toEqual(plain);
    const parts = [data.subarray(0, 100), data.subarray(100)];
    const inParts = [parts[0]!, Buffer.concat([parts[1]!, secret]), secret];
    expect((await clean(pngOfData(...inParts), "image/png")).bytes).toEqual(pngOfData(...parts));
  });

  test("PNG: removes compressed data after the last row, and no pixel", async () => {
    const rows = inflateSync(plainData());
    const stored = deflateSync(Buffer.concat([rows, Buffer.from("secret")]), { level: 0 });
    // Decoders do not miss the checksum at the end of the data either.
    for (const data of [stored, Buffer.concat([plainData().subarray(0, -4)])]) {
      const { bytes } = await clean(pngOfData(data), "image/png");
      expect(bytes).toEqual(pngOfData(deflateSync(rows)));
      expect(await pixels(bytes)).toEqual(await pixels(plainPng()));
    }
  });

  test("PNG: removes extra data of animation frames and keeps the sequence numbers", async () => {
    const rows = inflateSync(plainData());
    const frameData = (first: number, ...parts: Uint8Array[]) =>
      parts.map((part, index) => pngChunk("fdAT", Buffer.concat([u32(first + index), part])));
    const control = (sequence: number) =>
      pngChunk("fcTL", Buffer.concat([u32(sequence, 48, 32, 0, 0), Buffer.alloc(6)]));
    const moving = (...data: Buffer[]) =>
      plainPng([pngChunk("acTL", u32(2, 0)), control(0)], [control(1), ...data]);
    const [data, secret] = [plainData(), Buffer.from("secret")];
    const whole = moving(...frameData(2, data.subarray(0, 50), data.subarray(50)));
    expect((await clean(whole, "image/png")).bytes).toEqual(whole);
    const behind = moving(...frameData(2, Buffer.concat([data, secret]), secret));
    expect((await clean(behind, "image/png")).bytes).toEqual(moving(...frameData(2, data, new Uint8Array())));
    const more = deflateSync(Buffer.concat([rows, secret]), { level: 0 });
    const inside = moving(...frameData(2, more.subarray(0, 50), more.subarray(50)));
    expect((await clean(inside, "image/png")).bytes).toEqual(
      moving(...frameData(2, deflateSync(rows), new Uint8Array())),
    );
    const long = pngChunk("fcTL", Buffer.concat([u32(1, 48, 32, 0, 0), Buffer.alloc(6), secret]));
    expect(await outcome(plainPng([], [long, ...frameData(2, data)]), "image/png")).toBe("DAMAGED_MEDIA");
  });

  test("PNG: corrects a wrong checksum of the last data chunk, and rejects one of earlier data or IHDR", async () => {
    const chunks = pngChunks(plainPng());
    const sample = (wrong: string) =>
      Buffer.concat([
        plainPng().subarray(0, 8),
        ...chunks.map(({ type, bytes }) => (type === wrong ? withWrongChecksum(bytes) : bytes)),
      ]);
    for (const type of ["IDAT", "IEND"])
      expect((await clean(sample(type), "image/png")).bytes).toEqual(plainPng());
    expect(await outcome(sample("IHDR"), "image/png")).toBe("DAMAGED_MEDIA");
    const inParts = (wrong: number) =>
      Buffer.concat([
        plainPng().subarray(0, 33),
        ...[plainData().subarray(0, 50), plainData().subarray(50)].map((part, index) => {
          const chunk = pngChunk("IDAT", part);
          return index === wrong ? withWrongChecksum(chunk) : chunk;
        }),
        pngChunk("IEND"),
      ]);
    expect(await outcome(inParts(0), "image/png")).toBe("DAMAGED_MEDIA");
    expect((await clean(inParts(1), "image/png")).bytes).toEqual(inParts(2));
  });

  test("PNG: joins picture data that another chunk interrupts", async () => {
    const [start, rest] = [plainData().subarray(0, 50), plainData().subarray(50)];
    const between = [...text, pngChunk("acTL", u32(1, 0)), pngChunk("eXIf", secretExif(6))];
    const sample = Buffer.concat([
      plainPng().subarray(0, 33),
      pngChunk("IDAT", start),
      ...between,
      pngChunk("IDAT", rest),
      pngChunk("IEND"),
    ]);
    const { bytes, facts } = await clean(sample, "image/png");
    expect(leaks(bytes)).toBeFalse();
    expect(types(bytes)).toEqual(["IHDR", "IDAT", "IDAT", "eXIf", "IEND"]);
    expect(facts.orientation).toBe(1);
    expect(await pixels(bytes)).toEqual(await pixels(plainPng()));
  });

  test("PNG: drops data chunks that belong to no picture or frame, as browsers do", async () => {
    const secret = pngChunk("IDAT", "secret");
    expect((await clean(plainPng([], [...text, secret]), "image/png")).bytes).toEqual(plainPng());
    const orphan = pngChunk("fdAT", Buffer.concat([u32(0), Buffer.from("secret")]));
    for (const sample of [plainPng([orphan]), plainPng([], [orphan])])
      expect((await clean(sample, "image/png")).bytes).toEqual(plainPng());

    const control = (sequence: number) =>
      pngChunk("fcTL", Buffer.concat([u32(sequence, 48, 32, 0, 0), Buffer.alloc(6)]));
    const frame = [control(1), pngChunk("fdAT", Buffer.concat([u32(2), plainData()]))];
    const before = [pngChunk("acTL", u32(2, 0)), control(0)];
    const animated = plainPng(before, frame);
    expect((await clean(plainPng(before, [...frame, secret]), "image/png")).bytes).toEqual(animated);
    const end = animated.subarray(-12);
    const cut = Buffer.concat([animated.subarray(0, -end.length), secret.subarray(0, -2)]);
    expect((await clean(cut, "image/png")).bytes).toEqual(animated);
  });

  test("PNG: removes extra rows of a picture of more than 256 MB", async () => {
    const [width, height] = [8200, 8200];
    const rowBytes = height * (1 + 4 * width);
    const deflater = createDeflate({ level: 1 });
    const parts: Buffer[] = [];
    deflater.on("data", (part: Buffer) => parts.push(part));
    const ended = once(deflater, "end");
    const zeros = Buffer.alloc(1024 * 1024);
    for (let left = rowBytes; left > 0; left -= zeros.length)
      await new Promise((resolve) => void deflater.write(zeros.subarray(0, left), resolve));
    deflater.end("secret");
    await ended;
    const header = Buffer.concat([u32(width, height), Buffer.from([8, 6, 0, 0, 0])]);
    const sample = Buffer.concat([
      plainPng().subarray(0, 8),
      pngChunk("IHDR", header),
      pngChunk("IDAT", Buffer.concat(parts)),
      pngChunk("IEND"),
    ]);
    const { bytes } = await clean(sample, "image/png");
    expect(types(bytes)).toEqual(["IHDR", "IDAT", "IEND"]);
    const [, data] = pngChunks(bytes);
    expect(data?.bytes).toEqual(pngChunk("IDAT", data?.content));
    const inflater = createInflate();
    let inflatedBytes = 0;
    inflater.on("data", (part: Buffer) => (inflatedBytes += part.length));
    const inflated = once(inflater, "end");
    inflater.end(data?.content);
    await inflated;
    expect(inflatedBytes).toBe(rowBytes);
  });

  test("PNG: rejects a file without a picture or with an unknown critical chunk", async () => {
    const plain = plainPng();
    const withoutData = Buffer.concat([plain.subarray(0, 33), pngChunk("IEND")]);
    expect(await outcome(withoutData, "image/png")).toBe("DAMAGED_MEDIA");
    expect(await outcome(plainPng([pngChunk("CgBI", "1234")]), "image/png")).toBe("DAMAGED_MEDIA");
  });

  test("PNG: rejects a truncated picture with CUT_OFF_MEDIA", async () => {
    const plain = plainPng();
    for (const cut of [13, 16, 200])
      expect(await outcome(plain.subarray(0, -cut), "image/png")).toBe("CUT_OFF_MEDIA");
    expect(await outcome(plain.subarray(0, 33), "image/png")).toBe("CUT_OFF_MEDIA");
    expect(await outcome(plain.subarray(0, 40), "image/png")).toBe("CUT_OFF_MEDIA");
  });

  test("PNG: replaces a missing or damaged IEND", async () => {
    const plain = plainPng();
    const body = plain.subarray(0, -12);
    const ends = [
      ...[0, 1, 4, 8, 11].map((length) => plain.subarray(-12).subarray(0, length)),
      pngChunk("tEXt", "secret".repeat(20)).subarray(0, 40),
      Buffer.alloc(100),
    ];
    for (const end of ends) {
      const { bytes, facts } = await clean(Buffer.concat([body, end]), "image/png");
      expect(bytes).toEqual(plain);
      expect(facts.decoding?.mustBeChecked).toBe("no end");
    }
  });

  test("PNG: drops an incomplete last frame of an animation and corrects the number of frames", async () => {
    const control = (sequence: number) =>
      pngChunk("fcTL", Buffer.concat([u32(sequence, 48, 32, 0, 0), Buffer.alloc(6)]));
    const data = frameData(2, 48, 32);
    const animation = (frames: number) => pngChunk("acTL", u32(frames, 0));
    const end = plainPng().subarray(-12);
    const whole = plainPng([animation(3), control(0)], [control(1), data, control(3), data]);
    expect((await clean(whole, "image/png")).bytes).toEqual(whole);
    const two = plainPng([animation(2), control(0)], [control(1), data]);
    for (const cut of [end.length + 1, end.length + data.length])
      expect((await clean(whole.subarray(0, -cut), "image/png")).bytes).toEqual(two);
    expect((await clean(whole.subarray(0, -end.length), "image/png")).bytes).toEqual(whole);
    const one = plainPng([animation(1), control(0)]);
    const early = whole.subarray(0, one.length - end.length + control(1).length + 20);
    expect((await clean(early, "image/png")).bytes).toEqual(one);
  });

  test("PNG: drops a last frame if the file ends between its data chunks", async () => {
    const control = (sequence: number) =>
      pngChunk("fcTL", Buffer.concat([u32(sequence, 48, 32, 0, 0), Buffer.alloc(6)]));
    const start = pngChunk("fdAT", Buffer.concat([u32(2), plainData().subarray(0, 50)]));
    const sample = plainPng([pngChunk("acTL", u32(2, 0)), control(0)], [control(1), start]);
    const one = plainPng([pngChunk("acTL", u32(1, 0)), control(0)]);
    expect((await clean(sample.subarray(0, -12), "image/png")).bytes).toEqual(one);
  });

  test("PNG: rejects an animation frame whose data does not inflate or has too few rows", async () => {
    const animation = [pngChunk("acTL", u32(2, 0)), frameControl(0, 0, 48, 32)];
    const whole = [frameControl(0, 0, 48, 32), frameData(2, 48, 32)];
    expect(await outcome(plainPng(animation, whole), "image/png")).toBe("cleaned");
    for (const content of [
      "secret",
      deflateSync(Buffer.from("secret")),
      deflateSync(Buffer.alloc(193 * 31)),
    ]) {
      const data = pngChunk("fdAT", Buffer.concat([u32(2), Buffer.from(content)]));
      const broken = plainPng(animation, [frameControl(0, 0, 48, 32), data]);
      expect(await outcome(broken, "image/png")).toBe("DAMAGED_MEDIA");
    }
  });

  test("PNG: rejects invalid values in IHDR", async () => {
    const withHeader = (at: number, value: number) => {
      const header = Buffer.from([0, 0, 0, 48, 0, 0, 0, 32, 8, 6, 0, 0, 0]);
      header.writeUInt8(value, at);
      const plain = plainPng();
      return Buffer.concat([plain.subarray(0, 8), pngChunk("IHDR", header), plain.subarray(33)]);
    };
    const bitDepthAt = 8;
    expect(await outcome(withHeader(bitDepthAt, 16), "image/png")).toBe("cleaned");
    for (const [at, value] of [
      [0, 0x80],
      [4, 0xff],
      [3, 0],
      [7, 0],
      [bitDepthAt, 0],
      [bitDepthAt, 3],
      [bitDepthAt, 4],
      [bitDepthAt, 32],
      [9, 1],
      [9, 5],
      [9, 7],
      [10, 1],
      [11, 1],
      [12, 2],
    ] as const)
      expect([at, value, await outcome(withHeader(at, value), "image/png")]).toEqual([
        at,
        value,
        "DAMAGED_MEDIA",
      ]);
  });

  test.each([
    ["beside its canvas", [1, 0, 48, 32]],
    ["below its canvas", [0, 1, 48, 32]],
    ["larger than its canvas", [0, 0, 20_000, 20_000]],
    ["at a place that overflows 32 bits", [0xffff_ffff, 0, 48, 32]],
    ["without pixels", [0, 0, 0, 32]],
  ] as const)("PNG: rejects an animation frame %s", async (_name, [x, y, width, height]) => {
    const sample = plainPng([], [frameControl(x, y, width, height), frameData(1, 48, 32)]);
    expect(await outcome(sample, "image/png")).toBe("DAMAGED_MEDIA");
  });
});
