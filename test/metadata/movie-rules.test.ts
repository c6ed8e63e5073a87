import { describe, expect, test } from "bun:test";

import { clean, leaks } from "./cleaning.ts";
import {
  box,
  movieFile,
  fullBox,
  movie,
  pictureEntry,
  piffUuid,
  track,
  u16,
  u32,
  xmpUuid,
  type TrackSample,
} from "./container-samples.ts";

const secretUuid = box("uuid", Buffer.from("987fa3df2a8543c08f8fd97c471e8eea", "hex"), "secret");
const piff = box("uuid", piffUuid, "keys");
const sphericalUuid = Buffer.from("ffcc8263f8554a938814587a02521fdd", "hex");

/** Cleans a video with one picture and the given track, and checks that the picture is kept. */
async function cleanTrack(
  sample: Partial<TrackSample>,
  ...inMovie: Buffer[]
): Promise<{ bytes: Buffer; before: Buffer }> {
  const before = movieFile("picture", (data) => [
    movie(track({ id: 1, handler: "vide", chunks: [data], sampleBytes: 7, ...sample }), ...inMovie),
  ]);
  const { bytes } = await clean(before, "video/mp4");
  expect(bytes.subarray(-15).equals(box("mdat", "picture"))).toBeTrue();
  return { bytes, before };
}

/** A sound track with one chunk and the given sample entry. */
const soundTrack = (entry: Buffer): Partial<TrackSample> => ({ handler: "soun", entries: [entry] });
const soundEntry = (type: string, version: number, ...boxes: Buffer[]) =>
  box(
    type,
    u16(0, 0, 0, 1, version, 0),
    "vend",
    u16(2, 16, 0, 0),
    u32(44_100 << 16),
    Buffer.alloc([0, 16, 36][version] ?? 0, 1),
    ...boxes,
  );
const configuration = box("avcC", "\x01\x64\0\x0a\xff\xe0\0");
const secrets = [secretUuid, box("udta", "secret"), box("meta", "secret"), box("XXXX", "secret")];

describe("boxes of MP4 and MOV", () => {
  test("movie rules: remove unknown boxes and uuid boxes on every level", async () => {
    const { bytes } = await cleanTrack(
      {
        extra: [...secrets, box("edts", ...secrets), box("tapt", ...secrets), box("elng", "secret")],
        inMedia: secrets,
        inInformation: [...secrets, box("dinf", ...secrets)],
        inTables: secrets,
        entries: [pictureEntry("avc1", [64, 48], { boxes: secrets })],
      },
      ...secrets,
      box("mvex", ...secrets),
      box("iods", "secret"),
    );
    expect(leaks(bytes)).toBeFalse();
    expect(bytes.includes("uuid")).toBeFalse();
  });

  test("movie rules: remove unknown top-level boxes, unknown boxes in fragments and bytes after the last box", async () => {
    const fragment = box(
      "moof",
      ...secrets,
      box("traf", fullBox("tfhd", 0, u32(1)), ...secrets, box("sgpd", u32(0), "XXXXsecret")),
      "secret",
    );
    const sample = movieFile("picture", (data) => [
      ...secrets,
      box("prft", "secret"),
      box("emsg", "secret"),
      movie(track({ id: 1, handler: "vide", chunks: [data], sampleBytes: 7 }), Buffer.from("\0\0\0\0secret")),
      fragment,
    ]);
    const { bytes } = await clean(sample, "video/mp4");
    expect(leaks(bytes)).toBeFalse();
    expect(bytes.subarray(-15).equals(box("mdat", "picture"))).toBeTrue();
  });

  test("movie rules: keep protection data (PIFF, pssh) on every level", async () => {
    const key = fullBox("pssh", 0, "system of the ks", u32(4), "keys");
    const { bytes } = await cleanTrack({ extra: [piff], inTables: [piff] }, piff, key);
    expect(bytes.toString("latin1").split(piff.toString("latin1"))).toHaveLength(4);
    expect(bytes.includes(key)).toBeTrue();
  });

  test("movie rules: remove bytes in a box beside its content", async () => {
    const { bytes } = await cleanTrack({
      tables: undefined as never,
      inTables: [
        fullBox("stts", 0, u32(1, 1, 1), "secret"),
        fullBox("ctts", 0, u32(0), "secret"),
        fullBox("stss", 0, u32(1, 1), "secret"),
        fullBox("cslg", 0, u32(0, 0, 0, 0, 0), "secret"),
      ],
      inInformation: [fullBox("vmhd", 0, Buffer.alloc(8), "secret")],
      extra: [box("edts", fullBox("elst", 0, u32(1, 1000, 0, 0x10000), "secret"))],
    });
    expect(leaks(bytes)).toBeFalse();
    expect(bytes.includes(u32(1, 1000, 0, 0x10000))).toBeTrue();
  });

  test("movie rules: keep references only between kept tracks", async () => {
    const kinds = [box("sync", u32(1)), box("chap", u32(1, 7)), box("secr", "secretsecret")];
    const { bytes } = await cleanTrack({ extra: [box("tref", ...kinds)] });
    expect(bytes.includes(box("sync", u32(1)))).toBeTrue();
    expect(bytes.includes("chap")).toBeFalse();
    expect(leaks(bytes)).toBeFalse();
  });

  test("movie rules: keep only the known XML tags of a 360° video", async () => {
    const tag = (name: string, value: string) => `<GSpherical:${name}>${value}</GSpherical:${name}>`;
    const xml = (...tags: string[]) =>
      box(
        "uuid",
        sphericalUuid,
        `<?xml version="1.0"?><rdf:SphericalVideo\nxmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"\n`,
        `xmlns:GSpherical="http://ns.google.com/videos/1.0/spherical/">${tags.join("")}</rdf:SphericalVideo>`,
      );
    const known = [tag("Spherical", "true"), tag("ProjectionType", "equirectangular")];
    const unknown = [
      tag("StitchingSoftware", "secret"),
      tag("Timestamp", "1680697815"),
      tag("StereoMode", "secret at home"),
    ];
    const { bytes } = await cleanTrack({ extra: [xml(...known, ...unknown)] });
    for (const kept of known) expect(bytes.includes(kept)).toBeTrue();
    expect(leaks(bytes)).toBeFalse();
    expect(bytes.includes("1680697815")).toBeFalse();
    const nothing = await cleanTrack({ extra: [xml(...unknown)] });
    expect(nothing.bytes.includes("uuid")).toBeFalse();
  });
});

describe("a sample entry", () => {
  test("sample entries: lose names of codecs and vendors, and keep decoder configurations", async () => {
    const kept = [
      configuration,
      box("pasp", u32(1, 1)),
      box("colr", "nclx", u16(1, 1, 1), "\0"),
      box("btrt", u32(1)),
    ];
    const { bytes } = await cleanTrack({
      entries: [
        pictureEntry("avc1", [64, 48], {
          name: "secret camera 1234567890",
          boxes: [...kept, ...secrets, box("colr", "profsecret"), box("colr", "rICCsecret")],
        }),
      ],
    });
    expect(leaks(bytes)).toBeFalse();
    for (const box of kept) expect(bytes.includes(box)).toBeTrue();
    expect(bytes.includes("1234567890")).toBeFalse();
  });

  test.each(["Planar Y'CbCr 8-bit 4:2:0", "Sorenson H263"])(
    "sample entries: keep the codec name %s, which decoders check",
    async (name) => {
      const { bytes } = await cleanTrack({ entries: [pictureEntry("yv12", [64, 48], { name })] });
      expect(bytes.includes(name)).toBeTrue();
    },
  );

  test("sample entries: keep a palette, and clean the boxes after it", async () => {
    const palette = Buffer.concat([u32(0), u16(0, 255), Buffer.alloc(256 * 8, 0xc1)]);
    const { bytes } = await cleanTrack({
      entries: [pictureEntry("rle ", [64, 48], { depth: 8, boxes: [palette, ...secrets] })],
    });
    expect(bytes.includes(palette)).toBeTrue();
    expect(leaks(bytes)).toBeFalse();
  });

  test.each([0, 1, 2])(
    "sample entries: keep the configuration of QuickTime sound of version %i",
    async (version) => {
      const wave = box(
        "wave",
        box("frma", ".mp3"),
        box(".mp3", "format"),
        box("enda", u16(0)),
        ...secrets,
        u32(8, 0),
      );
      const { bytes } = await cleanTrack(
        soundTrack(soundEntry(".mp3", version, wave, box("chan", "layout"), ...secrets)),
      );
      for (const kept of [box("frma", ".mp3"), box(".mp3", "format"), box("chan", "layout"), u32(8, 0)])
        expect(bytes.includes(kept)).toBeTrue();
      expect(leaks(bytes)).toBeFalse();
      expect(bytes.includes("vend")).toBeFalse();
    },
  );

  test("sample entries: keep protection data without the buyer's name", async () => {
    const kept = [box("frma", "avc1"), fullBox("tenc", 0, "\0\0\x01\x08", "the default key!")];
    const { bytes } = await cleanTrack({
      entries: [
        pictureEntry("drmi", [64, 48], {
          boxes: [
            box(
              "sinf",
              ...kept.slice(0, 1),
              fullBox("schm", 0, "cenc", u32(0x10000), "https://secret"),
              box("schi", ...kept.slice(1), box("name", "secret"), box("user", "secret")),
            ),
          ],
        }),
      ],
    });
    for (const box of kept) expect(bytes.includes(box)).toBeTrue();
    expect(leaks(bytes)).toBeFalse();
  });

  test("sample entries: keep only parameter sets in configurations of H.264 and HEVC", async () => {
    const unit = (...parts: (number[] | string)[]) => {
      const content = Buffer.concat(parts.map((part) => Buffer.from(part as string, "latin1")));
      return Buffer.concat([u16(content.length), content]);
    };
    const userData = (text: string) => [[5, 16 + text.length], "U".repeat(16), text, [0x80]];
    const avc = (options: string, filler: string) =>
      box(
        "avcC",
        "\x01\x64\0\x0a\xff\xe1",
        unit([0x67], "SPS"),
        "\x03",
        unit([0x68], "PPS"),
        unit([6], ...userData(options)),
        unit([12], filler),
        "\xfd\xf8\xf8\0",
      );
    const hevc = (options: string, filler: string) =>
      box(
        "hvcC",
        Buffer.alloc(22, 1),
        "\x03\xa0\0\x01",
        unit([0x40, 1], "VPS"),
        "\xa7\0\x01",
        unit([0x4e, 1], ...userData(options)),
        "\xa6\0\x01",
        unit([0x4c, 1], filler),
      );
    for (const [type, configuration] of [
      ["avc1", avc],
      ["hvc1", hevc],
    ] as const) {
      const entry = pictureEntry(type, [64, 48], { boxes: [configuration("secret options", "secret")] });
      const { bytes } = await cleanTrack({ entries: [entry] });
      expect(leaks(bytes)).toBeFalse();
      const blanked = configuration(" ".repeat(14), "\xff".repeat(6)).toString("latin1");
      expect(bytes.toString("latin1")).toContain(blanked.replaceAll("U".repeat(16), " ".repeat(16)));
    }
  });

  test("sample entries: keep projections of 360° videos without the program's name", async () => {
    const projection = box("proj", fullBox("prhd", 0, u32(1, 2, 3)), fullBox("equi", 0, u32(4, 5, 6, 7)));
    const { bytes } = await cleanTrack({
      entries: [
        pictureEntry("avc1", [64, 48], {
          boxes: [
            box("st3d", "\0\0\0\0\0"),
            box("sv3d", fullBox("svhd", 0, "secret\0"), projection, ...secrets),
          ],
        }),
      ],
    });
    expect(bytes.includes(projection)).toBeTrue();
    expect(bytes.includes("st3d")).toBeTrue();
    expect(leaks(bytes)).toBeFalse();
  });
});

describe("a data reference", () => {
  const references = (...entries: Buffer[]) => ({
    inInformation: [box("dinf", fullBox("dref", 0, u32(entries.length), ...entries))],
    entries: [pictureEntry("avc1", [64, 48])],
  });
  const flagged = (type: string, content: string) => box(type, u32(1), content);

  test("data references: lose paths on the author's disk, and keep the same-file flag", async () => {
    for (const type of ["alis", "url ", "rsrc"]) {
      const { bytes } = await cleanTrack(references(flagged(type, "secret disk:Users:jane:video.mov")));
      expect(leaks(bytes)).toBeFalse();
      expect(bytes.includes(Buffer.concat([Buffer.from(type), u32(1)]))).toBeTrue();
    }
  });

  test("data references: remove a track whose samples are in another file, with its path", async () => {
    const sample = movieFile("picturesecret", (data) => [
      movie(
        track({ id: 1, handler: "vide", chunks: [data], sampleBytes: 7, ...references(flagged("url ", "")) }),
        track({
          id: 2,
          handler: "vide",
          chunks: [data + 7],
          sampleBytes: 6,
          ...references(box("url ", u32(0), "file:///home/secret/video.mov\0")),
        }),
      ),
    ]);
    const { bytes } = await clean(sample, "video/quicktime");
    expect(leaks(bytes)).toBeFalse();
    expect(bytes.toString("latin1").split("trak")).toHaveLength(2);
    expect(bytes.subarray(-15).equals(box("mdat", "picture"))).toBeTrue();
  });

  test("data references: keep a track without the same-file flag that names no other file", async () => {
    await cleanTrack(references(box("url ", u32(0), "\0")));
  });
});
