import { describe, expect, test } from "bun:test";

import { clean, leaks } from "./cleaning.ts";
import { box, movieFile, ftyp, fullBox, movie, pictureEntry, track, u16, u32 } from "./container-samples.ts";

const secret = "secret secret";
/** Cleans a video with these boxes in the sample entries of its picture and its sound. */
async function cleanEntries(pictureBoxes: Buffer[], soundBoxes: Buffer[] = []): Promise<Buffer> {
  const sound = box("mp4a", u32(0), u16(0, 1), u32(0, 0), u16(2, 16, 0, 0), u32(44_100 << 16), ...soundBoxes);
  const sample = movieFile("picture", (data) => [
    movie(
      track({
        id: 1,
        handler: "vide",
        chunks: [data],
        sampleBytes: 7,
        entries: [pictureEntry("avc1", [64, 48], { boxes: pictureBoxes })],
      }),
      track({ id: 2, handler: "soun", entries: [sound] }),
    ),
  ]);
  const { bytes } = await clean(sample, "video/mp4");
  expect(bytes.subarray(-15).equals(box("mdat", "picture"))).toBeTrue();
  return bytes;
}

const descriptor = (tag: number, ...content: (Buffer | string)[]) => {
  const body = Buffer.concat(content.map((part) => Buffer.from(part as string, "latin1")));
  return Buffer.concat([Buffer.from([tag, 0x80, body.length]), body]);
};
const decoderConfiguration = (...more: Buffer[]) =>
  descriptor(4, "\x40\x15\0\0\0", u32(1, 2), descriptor(5, "\x12\x10"), ...more);
const streamLengthHeader = descriptor(6, "\x02");

/** Content of kept boxes; the test appends text to each. */
const pictureBoxes: Record<string, Buffer> = {
  pasp: u32(4, 3),
  clap: u32(60, 1, 40, 1, 0, 1, 0, 1),
  fiel: Buffer.from([2, 9]),
  gama: u32(0x22222),
  clli: u16(1000, 400),
  mdcv: Buffer.alloc(24, 1),
  btrt: u32(1, 2, 3),
  colr: Buffer.concat([Buffer.from("nclx"), u16(1, 1, 1), Buffer.from([0x80])]),
  CoLL: u32(0, 1),
  SmDm: Buffer.concat([u32(0), Buffer.alloc(24, 1)]),
  amve: Buffer.alloc(8, 1),
  cclv: Buffer.concat([Buffer.from([0x24]), Buffer.alloc(28, 1)]),
  auxi: Buffer.concat([u32(0), Buffer.from("urn:mpeg:hevc:2015:auxid:1\0")]),
  ccst: u32(0, 1),
  st3d: Buffer.from([0, 0, 0, 0, 1]),
  stsl: Buffer.concat([u32(0), Buffer.alloc(6, 1)]),
  hfov: u32(65_000),
  avcC: Buffer.from("\x01\x64\0\x0a\xff\xe1\0\x03SPS\x01\0\x03PPS\xfd\xf8\xf8\0", "latin1"),
  avcE: Buffer.from("\x01\x42\0\x0a\xff\xe1\0\x03SPS\x01\0\x03PPS", "latin1"),
  hvcC: Buffer.concat([Buffer.alloc(22, 1), Buffer.from("\x01\xa0\0\x01\0\x05\x40\x01VPS", "latin1")]),
  lhvC: Buffer.from("\x01\x01\x01\x01\x01\x01\xa0\0\x01\0\x03VPS", "latin1"),
  // With a profile of two sublayers, two constraint bytes, a level and a sub-profile; DCI has no number.
  vvcC: Buffer.from(
    "\0\0\0\0\xff\x00\x20\x40\x02\x02\x33\xff\xff\x80\x30\x01SUBP\0\x40\0\x30\0\0\x02\x8d\0\x03DCI\x8f\0\x01\0\x03SPS",
    "latin1",
  ),
  evcC: Buffer.concat([Buffer.alloc(17, 1), Buffer.from("\x01\x18\0\x01\0\x03SPS", "latin1")]),
  av1C: Buffer.from("\x81\0\x0c\0\x0a\x03SEQ", "latin1"),
  vpcC: Buffer.concat([u32(0x0100_0000), Buffer.alloc(6, 1), u16(0)]),
  dvcC: Buffer.concat([Buffer.alloc(5, 1), Buffer.alloc(19)]),
  d263: Buffer.from("\0\0\0\0\0\x0a\0", "latin1"),
};
const soundBoxes: Record<string, Buffer> = {
  esds: Buffer.concat([u32(0), descriptor(3, "\0\x01\0", decoderConfiguration(), streamLengthHeader)]),
  dac3: Buffer.from([1, 2, 3]),
  dec3: Buffer.from([1, 1, 2, 3, 0, 2, 3, 2, 9, 1, 5]),
  ddts: Buffer.alloc(20, 1),
  dmlp: Buffer.alloc(10, 1),
  dOps: Buffer.from("\0\x06\x01\x38\0\0\xbb\x80\0\0\x01\x04\x02abcdef", "latin1"),
  alac: Buffer.concat([u32(0), Buffer.alloc(24, 1)]),
  damr: Buffer.from([0, 0, 0, 0, 0, 0x81, 0xff, 0, 1]),
  chan: Buffer.concat([u32(0, 100, 0, 1), Buffer.alloc(20, 1)]),
  srat: u32(0, 96_000),
  pcmC: Buffer.from([0, 0, 0, 0, 1, 16]),
  SA3D: Buffer.concat([Buffer.from([0, 0]), u32(1), Buffer.from([0, 0]), u32(2, 0, 1)]),
  mhaC: Buffer.from("\x01\x0b\x06\0\x03CFG", "latin1"),
  mhaP: Buffer.from([2, 3, 4]),
  iacb: Buffer.from("\x01\x03OBU", "latin1"),
};

describe("text in kept boxes of MP4 and MOV", () => {
  test.each(Object.entries(pictureBoxes))(
    "movie tails: remove text after the content of %s in a picture's sample entry",
    async (type, content) => {
      const bytes = await cleanEntries([box(type, content, secret), box("pasp", u32(1, 1))]);
      expect(leaks(bytes)).toBeFalse();
      expect(bytes.includes(box(type, content))).toBeTrue();
      expect(bytes.includes(box("pasp", u32(1, 1)))).toBeTrue();
    },
  );

  test.each(Object.entries(soundBoxes))(
    "movie tails: remove text after the content of %s in a sound's sample entry",
    async (type, content) => {
      const bytes = await cleanEntries([], [box(type, content, secret), box("btrt", u32(1, 2, 3))]);
      expect(leaks(bytes)).toBeFalse();
      expect(bytes.includes(box(type, content))).toBeTrue();
      expect(bytes.includes(box("btrt", u32(1, 2, 3)))).toBeTrue();
    },
  );

  test("movie tails: fill a remainder too short for a box with zeros", async () => {
    const bytes = await cleanEntries([box("pasp", u32(1, 1), "secret!")]);
    expect(bytes.includes(box("pasp", u32(1, 1), "\0\0\0\0\0\0\0"))).toBeTrue();
  });

  test("movie tails: remove unneeded descriptors and the stream URL from esds", async () => {
    const stream = descriptor(
      3,
      "\0\x01\x40\x0e",
      "http://secret/",
      decoderConfiguration(descriptor(0x14, secret)),
      streamLengthHeader,
      descriptor(0x43, secret),
    );
    const bytes = await cleanEntries([], [box("esds", u32(0), stream)]);
    expect(leaks(bytes)).toBeFalse();
    expect(bytes.includes(descriptor(5, "\x12\x10"))).toBeTrue();
    expect(bytes.includes(streamLengthHeader)).toBeTrue();
  });

  test("movie tails: keep a decoder configuration in esds that lies after its descriptor", async () => {
    const bare = descriptor(4, "\x40\x15\0\0\0", u32(1, 2));
    const stream = descriptor(3, "\0\x01\0", bare, descriptor(5, "\x12\x10"), streamLengthHeader);
    const bytes = await cleanEntries([], [box("esds", u32(0), stream, secret)]);
    expect(leaks(bytes)).toBeFalse();
    expect(bytes.includes(box("esds", u32(0), stream))).toBeTrue();
  });

  test("movie tails: remove text from more descriptors than are wiped one by one", async () => {
    const unknown = Array.from({ length: 40 }, () => descriptor(0x43, secret));
    const stream = descriptor(3, "\0\x01\0", decoderConfiguration(), streamLengthHeader);
    const length = stream.length + unknown.length * (secret.length + 3);
    stream.writeUInt8(0x80 | (length >> 7), 1);
    stream.writeUInt8(length & 0x7f, 2);
    const bytes = await cleanEntries([], [box("esds", u32(0), stream, ...unknown)]);
    expect(leaks(bytes)).toBeFalse();
    expect(bytes.includes(streamLengthHeader)).toBeTrue();
  });

  test("movie tails: remove Vorbis comments from esds, and keep the other Vorbis headers", async () => {
    const packet = (type: string, content: string) => `${type}vorbis${content}`;
    const text = (value: string) => String.fromCharCode(value.length, 0, 0, 0) + value;
    const comments = (vendor: string, ...entries: string[]) =>
      packet(
        "\x03",
        `${text(vendor)}${String.fromCharCode(entries.length)}\0\0\0${entries.map(text).join("")}\x01`,
      );
    const stream = (comment: string) => {
      const [identification, setup] = [packet("\x01", "identification"), packet("\x05", "setup")];
      const lacing = Buffer.from([2, identification.length, comment.length]);
      const headers = descriptor(5, lacing, identification, comment, setup);
      return descriptor(3, "\0\x01\0", descriptor(4, "\xdd\x15\0\0\0", u32(1, 2), headers));
    };
    const comment = comments("secret encoder", "TITLE=secret");
    const bytes = await cleanEntries([], [box("esds", u32(0), stream(comment))]);
    expect(leaks(bytes)).toBeFalse();
    expect(bytes.includes(stream(comments("").padEnd(comment.length, "\0")))).toBeTrue();
  });

  test("movie tails: keep stream info and seek table of FLAC, and turn other blocks into padding", async () => {
    const block = (type: number, content: string) =>
      Buffer.concat([u32(type * 2 ** 24 + content.length), Buffer.from(content)]);
    const info = block(0, "i".repeat(34));
    const table = block(3, "t".repeat(18));
    const others = [1, 2, 4, 5, 6].map((type) => block(type, secret));
    const flac = fullBox("dfLa", 0, info, ...others, table, block(0x84, secret), "secret behind");
    const bytes = await cleanEntries([], [flac]);
    const padding = Buffer.alloc(secret.length);
    const empty = Buffer.concat([u32(0x0100_0000 + secret.length), padding]);
    const last = Buffer.concat([u32(0x8100_0000 + secret.length), padding]);
    expect(leaks(bytes)).toBeFalse();
    expect(bytes.includes(Buffer.concat([info, ...others.map(() => empty), table, last]))).toBeTrue();
  });

  test("movie tails: wipe reserved fields of headers and sample entries in both versions", async () => {
    /** Content in which every byte equals its position; the listed ones must become zero. */
    const marked = (version: number, bytes: number) => {
      const content = Buffer.alloc(bytes, 0xee);
      content.writeUInt32BE((version << 24) | 0xff_fff1);
      return content;
    };
    const headers = (version: number) => {
      const wide = version === 1;
      const [mvhd, tkhd, mdhd] = [
        marked(version, wide ? 112 : 100),
        marked(version, wide ? 96 : 84),
        marked(version, wide ? 36 : 24),
      ];
      tkhd.writeUInt32BE(1, wide ? 20 : 12);
      return { mvhd, tkhd, mdhd };
    };
    for (const version of [0, 1]) {
      const { mvhd, tkhd, mdhd } = headers(version);
      const entry = pictureEntry("avc1", [64, 48]);
      entry.fill(0xee, 8, 14);
      entry.fill(0xee, 18, 32);
      entry.fill(0xee, 36, 50);
      const hdlr = fullBox("hdlr", 0, "dhlr", "vide", Buffer.alloc(12, 0xee), "name");
      const sample = movieFile("picture", (data) => [
        box(
          "moov",
          box("mvhd", mvhd),
          box(
            "trak",
            box("tkhd", tkhd),
            box(
              "mdia",
              box("mdhd", mdhd),
              hdlr,
              box(
                "minf",
                fullBox("vmhd", 0, u16(0x40), Buffer.alloc(6, 0xee)),
                box(
                  "stbl",
                  fullBox("stsd", 0, u32(1), entry),
                  fullBox("stsc", 0, u32(1, 1, 1, 1)),
                  fullBox("stsz", 0, u32(7, 1)),
                  fullBox("stco", 0, u32(1, data)),
                ),
              ),
            ),
          ),
        ),
      ]);
      const { bytes } = await clean(sample, "video/mp4");
      const marks = (type: string, length: number) => {
        const at = bytes.indexOf(type) + 4;
        const kept: number[] = [];
        for (let index = 4; index < length; index++) if (bytes[at + index] === 0xee) kept.push(index);
        return kept;
      };
      const range = (...pairs: [number, number][]) =>
        pairs.flatMap(([from, to]) => Array.from({ length: to - from }, (_, index) => from + index));
      const wide = version === 1;
      expect(marks("mvhd", mvhd.length)).toEqual(
        wide ? range([20, 38], [48, 84], [108, 112]) : range([12, 26], [36, 72], [96, 100]),
      );
      expect(marks("tkhd", tkhd.length)).toEqual(
        wide ? range([28, 36], [44, 50], [52, 96]) : range([20, 24], [32, 38], [40, 84]),
      );
      expect(marks("mdhd", mdhd.length)).toEqual(wide ? range([20, 34]) : range([12, 22]));
      expect(marks("avc1", 78)).toEqual([]);
      expect(marks("hdlr", 28)).toEqual([]);
      expect(marks("vmhd", 12)).toEqual([]);
      expect(bytes.includes("dhlrvide")).toBeTrue();
      expect(bytes.subarray(-15).equals(box("mdat", "picture"))).toBeTrue();
    }
  });

  test("movie tails: remove unknown brands, the brand version and an incomplete brand", async () => {
    const file = movieFile("picture", (data) => [
      movie(track({ id: 1, handler: "vide", chunks: [data + 6], sampleBytes: 7 })),
    ]);
    const brands = box("ftyp", "isom", "secr", "mp42", "et!!", "iso2", "se");
    const sample = Buffer.concat([brands, file.subarray(ftyp.length)]);
    const { bytes } = await clean(sample, "video/mp4");
    expect(
      bytes.subarray(0, brands.length).equals(box("ftyp", "isom\0\0\0\0mp42\0\0\0\0iso2\0\0")),
    ).toBeTrue();
  });
});

describe("indexes of fragments", () => {
  const tracks = movie(track({ id: 1, handler: "vide" }), track({ id: 2, handler: "text" }));
  const fragment = box(
    "moof",
    fullBox("mfhd", 0, u32(1)),
    box("traf", box("tfhd", u32(0x02_0000, 1)), box("trun", u32(0x201, 1, 88, 7))),
  );
  const file = (before: Buffer[], after: Buffer[]) =>
    Buffer.concat([ftyp, tracks, ...before, fragment, box("mdat", "picture"), ...after]);

  test("movie tails: remove the segment index of a removed track, and keep the size of others", async () => {
    const index = (version: number, id: number, ...more: string[]) =>
      fullBox(
        "sidx",
        version,
        u32(id, 1000, 0, 0, ...(version === 1 ? [0, 0] : [])),
        u16(0, 1),
        u32(100, 1000, 0x9000_0000),
        ...more,
      );
    for (const version of [0, 1]) {
      const { bytes } = await clean(file([index(version, 1, secret), index(version, 2)], []), "video/mp4");
      expect(leaks(bytes)).toBeFalse();
      expect(bytes.toString("latin1").split("sidx")).toHaveLength(2);
      const zeros = "\0".repeat(secret.length);
      expect(bytes.includes(index(version, 1, zeros))).toBeTrue();
    }
  });

  test("movie tails: keep only entries of kept tracks in a random access index", async () => {
    const access = (id: number, ...more: Buffer[]) =>
      fullBox("tfra", 1, u32(id, 0x15, 1, 0, 1, 0, 2), u16(1, 1, 1), ...more);
    const mfro = fullBox("mfro", 0, u32(200));
    const { bytes } = await clean(
      file([], [box("mfra", access(1, Buffer.from(secret)), access(2), box("XXXX", secret), mfro)]),
      "video/mp4",
    );
    expect(leaks(bytes)).toBeFalse();
    expect(bytes.includes(access(1))).toBeTrue();
    expect(bytes.toString("latin1").split("tfra")).toHaveLength(2);
    expect(bytes.subarray(-mfro.length).equals(mfro)).toBeTrue();
  });

  test("movie tails: remove progressive download and level tables, which players do not read", async () => {
    const sample = file([fullBox("ssix", 0, secret), fullBox("pdin", 0, secret)], []);
    const { bytes } = await clean(sample, "video/mp4");
    expect(leaks(bytes)).toBeFalse();
  });
});

describe("bytes after counted children", () => {
  test("movie tails: remove text after the data references instead of refusing the file", async () => {
    for (const rest of ["secret behind", "secr", "\0\0\x10\0alissecret"]) {
      const references = fullBox("dref", 0, u32(1), fullBox("url ", 0), rest);
      const sample = movieFile("picture", (data) => [
        movie(
          track({
            id: 1,
            handler: "vide",
            chunks: [data],
            sampleBytes: 7,
            coded: [64, 48],
            inInformation: [box("dinf", references)],
          }),
        ),
      ]);
      const { bytes } = await clean(sample, "video/mp4");
      expect(leaks(bytes)).toBeFalse();
      expect(bytes.includes("secr")).toBeFalse();
      expect(bytes.subarray(-15).equals(box("mdat", "picture"))).toBeTrue();
    }
  });

  test("movie tails: cleaning a second time changes nothing", async () => {
    const bytes = await cleanEntries(
      Object.entries(pictureBoxes).map(([type, content]) => box(type, content, secret)),
      Object.entries(soundBoxes).map(([type, content]) => box(type, content, secret)),
    );
    expect((await clean(bytes, "video/mp4")).bytes.equals(bytes)).toBeTrue();
  });
});
