import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { VideoFacts } from "../../src/metadata/plan.ts";
import { readMediaFacts, removeMetadata } from "../../src/metadata/remove-metadata.ts";
import type { MediaType } from "../../src/media-types.ts";
import { clean, inTempFolder } from "./cleaning.ts";
import {
  box,
  element,
  movieFile,
  fullBox,
  openElement,
  pictureEntry,
  track,
  u16,
  u32,
  type TrackSample,
} from "./container-samples.ts";
import { packet, packs, startCode, videoStream } from "./mpeg-samples.ts";
import { riffChunk, riffFile } from "./photo-samples.ts";

async function factsOf(sample: Uint8Array, type: MediaType): Promise<VideoFacts | undefined> {
  return inTempFolder(async (folder) => {
    const path = join(folder, "video");
    await Bun.write(path, sample);
    const { video } = await readMediaFacts(path, type);
    expect(Buffer.from(await Bun.file(path).bytes()).equals(sample)).toBeTrue();
    // The same facts must be found again in the cleaned file, which is stored.
    const { bytes, facts } = await clean(sample, type);
    expect(facts.video).toEqual(video);
    expect((await clean(bytes, type)).facts.video).toEqual(video);
    return video;
  });
}

const u64 = (value: bigint) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
};
const identity = u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000);
/** An `mvhd` of version 0, or of version 1 for a duration of 64 bits. */
const movieHeader = (scale: number, duration: number | bigint) =>
  typeof duration === "bigint"
    ? fullBox(
        "mvhd",
        1,
        Buffer.alloc(16),
        u32(scale),
        u64(duration),
        Buffer.alloc(16),
        identity,
        Buffer.alloc(28),
      )
    : fullBox("mvhd", 0, Buffer.alloc(8), u32(scale, duration), Buffer.alloc(16), identity, Buffer.alloc(28));
const pictureTrack = (sample: Partial<TrackSample> = {}) => track({ id: 1, handler: "vide", ...sample });

async function movieSeconds(header: Buffer, ...more: Buffer[]) {
  const file = movieFile("pictures", () => [box("moov", header, pictureTrack(), ...more)]);
  return (await factsOf(file, "video/mp4"))?.durationSeconds;
}

describe("playing time of MP4 and MOV", () => {
  test.each([
    ["milliseconds", movieHeader(1000, 12_345), 12.345],
    ["a fraction of a millisecond, rounded", movieHeader(30_000, 1001), 0.033],
    ["64 bits", movieHeader(90_000, 900_000n), 10],
    ["an unknown duration, so that the track's counts", movieHeader(1000, 0xffff_ffff), 1],
    ["an unknown duration of 64 bits", movieHeader(1000, 0xffff_ffff_ffff_ffffn), 1],
    ["a time scale of zero", movieHeader(0, 5000), 1],
    ["a duration of zero", movieHeader(1000, 0), 1],
    ["a duration of 300 million years", movieHeader(1, 10n ** 16n), 1],
    ["less than half a millisecond", movieHeader(90_000, 40), 1],
    ["a header that is too short", fullBox("mvhd", 0, u32(0)), 1],
  ])("video facts: playing time of a movie header with %s", async (_name, header, seconds) => {
    expect(await movieSeconds(header)).toBe(seconds);
  });

  test("video facts: no playing time where neither the movie nor a track tells", async () => {
    const bare = pictureTrack();
    const media = bare.indexOf("mdhd");
    bare.fill(0, media + 16, media + 24);
    const file = movieFile("pictures", () => [box("moov", movieHeader(0, 0), bare)]);
    expect((await factsOf(file, "video/mp4"))?.durationSeconds).toBeNull();
  });

  /** A track of a fragmented movie with a time scale of 1000, whose header declares no duration. */
  const fragmentedTrack = (...extra: Buffer[]) => {
    const empty = pictureTrack({ extra });
    const media = empty.indexOf("mdhd");
    empty.fill(0, media + 20, media + 24);
    return empty;
  };
  const extends1 = (duration: number, size: number) =>
    box("mvex", fullBox("trex", 0, u32(1, 1, duration, size, 0)));
  /** A fragment, built with the distance from its start to its data. */
  const fragment = (build: (data: number) => Buffer[]) => {
    const boxes = (data: number) => box("moof", fullBox("mfhd", 0, u32(1)), box("traf", ...build(data)));
    return boxes(boxes(0).length + 8);
  };
  const header = (flags = 0, ...fields: number[]) => box("tfhd", u32(0x02_0000 | flags, 1, ...fields));
  const time = (at: number) => fullBox("tfdt", 0, u32(at));
  const longTime = (at: bigint) => box("tfdt", u32(0x0100_0000), u64(at));
  async function fragmentedSeconds(moov: Buffer[], moofs: Buffer[], data = "pictures") {
    const file = Buffer.concat([
      movieFile("", () => [box("moov", movieHeader(1000, 0), ...moov)]),
      ...moofs.flatMap((moof) => [moof, box("mdat", data)]),
    ]);
    return (await factsOf(file, "video/mp4"))?.durationSeconds;
  }
  /** A run of two samples. */
  const run = (flags: number, at: number, ...fields: number[]) =>
    box("trun", u32(flags | 0x01, 2, at, ...fields));

  test("video facts: adds the default durations of samples in fragments", async () => {
    const plain = () => fragment((data) => [header(), run(0, data)]);
    expect(await fragmentedSeconds([fragmentedTrack(), extends1(500, 4)], [plain(), plain()])).toBe(2);
    const own = fragment((data) => [header(0x08, 250), run(0, data)]);
    expect(await fragmentedSeconds([fragmentedTrack(), extends1(500, 4)], [plain(), own])).toBe(1.5);
  });

  test("video facts: adds the durations of single samples in fragments", async () => {
    const single = fragment((data) => [header(), run(0x100, data, 700, 800)]);
    expect(await fragmentedSeconds([fragmentedTrack(), extends1(0, 4)], [single, single])).toBe(3);
    const sized = fragment((data) => [header(), run(0x300, data, 700, 4, 800, 4)]);
    expect(await fragmentedSeconds([fragmentedTrack(), extends1(0, 0)], [sized])).toBe(1.5);
  });

  test("video facts: counts the time between fragments, but not before the first one", async () => {
    const at = (start: number) => fragment((data) => [header(), time(start), run(0, data)]);
    expect(await fragmentedSeconds([fragmentedTrack(), extends1(500, 4)], [at(9000), at(12_000)])).toBe(4);
  });

  test("video facts: adds the delay of an edit list to fragments", async () => {
    const edits = box("edts", fullBox("elst", 0, u32(2), u32(700, -1, 0x10000), u32(0, 200, 0x10000)));
    const plain = fragment((data) => [header(), run(0, data)]);
    expect(await fragmentedSeconds([fragmentedTrack(edits), extends1(500, 4)], [plain])).toBe(1.5);
  });

  test("video facts: does not count the samples that a truncated file has lost", async () => {
    const whole = fragment((data) => [header(), run(0, data)]);
    expect(await fragmentedSeconds([fragmentedTrack(), extends1(500, 4)], [whole], "pict")).toBe(0.5);
  });

  test("video facts: an absurd time of a fragment gives no playing time", async () => {
    const first = fragment((data) => [header(), time(0), run(0, data)]);
    const absurd = fragment((data) => [header(), longTime(2n ** 63n), run(0, data)]);
    expect(await fragmentedSeconds([fragmentedTrack(), extends1(500, 4)], [first, absurd])).toBeNull();
  });

  test("video facts: uses the declared duration of fragments that have none", async () => {
    const declared = box("mvex", fullBox("mehd", 0, u32(4200)), fullBox("trex", 0, u32(1, 1, 0, 4, 0)));
    expect(
      await fragmentedSeconds([fragmentedTrack(), declared], [fragment((data) => [header(), run(0, data)])]),
    ).toBe(4.2);
  });
});

/** An EBML element with a size of two bytes. */
const double = (value: number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes;
};

describe("playing time of WebM, AVI and MPEG", () => {
  const video = element(0xe0, element(0xb0, u16(64)), element(0xba, u16(48)));
  const entry = (codec: string, ...more: Buffer[]) =>
    element(0xae, element(0xd7, "\x01"), element(0x83, "\x01"), element(0x86, codec), video, ...more);
  const block = (at: number) => element(0xa3, "\x81", u16(at), "\x80picture");
  const cluster = (at: number, ...blocks: Buffer[]) =>
    openElement(0x1f43b675, element(0xe7, u32(at)), ...blocks);
  async function webmFacts(
    info: Buffer[],
    clusters: Buffer[],
    tracks = [entry("V_VP8")],
    type: MediaType = "video/webm",
  ) {
    const sample = Buffer.concat([
      element(0x1a45dfa3, element(0x4282, "webm")),
      openElement(0x18538067, element(0x1549a966, ...info), element(0x1654ae6b, ...tracks), ...clusters),
    ]);
    return factsOf(sample, type);
  }
  const scale = (nanoseconds: number) => element(0x2ad7b1, u32(nanoseconds));
  const duration = (units: number) => element(0x4489, double(units));

  test.each([
    ["milliseconds", [duration(2345)], 2.345],
    ["another scale", [scale(100_000), duration(20_000)], 2],
    ["a duration of four bytes", [element(0x4489, Buffer.from("447a0000", "hex"))], 1],
  ])("video facts: playing time of a WebM with %s", async (_name, info, seconds) => {
    expect((await webmFacts(info, [cluster(0, block(0))]))?.durationSeconds).toBe(seconds);
  });

  test.each([
    ["no duration", []],
    ["an infinite duration", [duration(Infinity)]],
    ["a negative duration", [duration(-5)]],
    ["a duration that is not a number", [duration(NaN)]],
    ["an absurd duration", [duration(1e300)]],
  ])("video facts: a WebM with %s plays until its last block", async (_name, info) => {
    const clusters = [cluster(0, block(0), block(40)), cluster(5000, block(0), block(80), block(40))];
    expect((await webmFacts(info, clusters))?.durationSeconds).toBe(5.08);
    const timed = [entry("V_VP8", element(0x23e383, u32(40_000_000)))];
    expect((await webmFacts(info, clusters, timed))?.durationSeconds).toBe(5.12);
    const group = element(0xa0, element(0xa1, "\x81", u16(90), "\0picture"), element(0x9b, u16(60)));
    expect((await webmFacts(info, [...clusters, cluster(6000, group)]))?.durationSeconds).toBe(6.15);
  });

  test("video facts: searches a few clusters without blocks at the end of a WebM, and no more", async () => {
    const recorded = cluster(5000, block(0), block(80));
    const empty = (count: number) => Array.from({ length: count }, () => cluster(6000));
    expect((await webmFacts([], [recorded, ...empty(3)]))?.durationSeconds).toBe(5.08);
    expect((await webmFacts([], [recorded, ...empty(30)]))?.durationSeconds).toBeNull();
  });

  test("video facts: a WebM without duration and with a time scale of zero has no playing time", async () => {
    expect((await webmFacts([scale(0)], [cluster(5000, block(1))]))?.durationSeconds).toBeNull();
  });

  test.each([
    ["VP8", "V_VP8", "", true],
    ["VP9", "V_VP9", "", true],
    ["VP9 with 4:4:4", "V_VP9", "\x01\x01\x01", false],
    ["AV1", "V_AV1", "\x81\x00\x0c\0", true],
    ["AV1 with 4:4:4", "V_AV1", "\x81\x20\x0c\0", false],
    ["H.264", "V_MPEG4/ISO/AVC", "\x01\x42\0\0\xff\xe0\0", false],
    ["an unknown codec", "V_SECRET", "", false],
  ])("video facts: whether browsers play a WebM with %s", async (_name, codec, header, isPlayable) => {
    const tracks = [entry(codec, element(0x63a2, header))];
    expect((await webmFacts([], [cluster(0, block(0))], tracks))?.isPlayable).toBe(isPlayable);
    const matroska = await webmFacts([], [cluster(0, block(0))], tracks, "video/matroska");
    expect(matroska?.isPlayable).toBeFalse();
  });

  test("video facts: browsers do not play a WebM with compressed blocks or other sound", async () => {
    const sound = (codec: string) =>
      element(0xae, element(0xd7, "\x02"), element(0x83, "\x02"), element(0x86, codec));
    const isPlayable = async (...tracks: Buffer[]) =>
      (await webmFacts([], [cluster(0, block(0))], tracks))?.isPlayable;
    expect(await isPlayable(entry("V_VP8"), sound("A_OPUS"))).toBeTrue();
    expect(await isPlayable(entry("V_VP8"), sound("A_VORBIS"))).toBeTrue();
    expect(await isPlayable(entry("V_VP8"), sound("A_AC3"))).toBeFalse();
    expect(await isPlayable(entry("V_VP8", element(0x6d80)))).toBeFalse();
  });

  const list = (kind: string, ...chunks: Buffer[]) =>
    riffChunk("LIST", Buffer.concat([Buffer.from(kind), ...chunks]));
  const avi = (
    main: [microseconds: number, frames: number],
    stream: [scale: number, rate: number, length: number],
  ) => {
    const [head, streamHead, format] = [
      Buffer.alloc(56),
      Buffer.from("vids".padEnd(56, "\0")),
      Buffer.alloc(40),
    ];
    head.writeUInt32LE(main[0], 0);
    head.writeUInt32LE(main[1], 16);
    stream.forEach((value, index) => streamHead.writeUInt32LE(value, [20, 24, 32][index] ?? 0));
    format.writeInt32LE(64, 4);
    format.writeInt32LE(48, 8);
    const streams = list("strl", riffChunk("strh", streamHead), riffChunk("strf", format));
    const data = list("movi", riffChunk("00dc", Buffer.alloc(8)));
    return riffFile("AVI ", list("hdrl", riffChunk("avih", head), streams), data);
  };
  test.each([
    ["frames of its stream", avi([40_000, 9], [1001, 30_000, 300]), 10.01],
    ["frames of its main header", avi([40_000, 50], [1, 25, 0]), 2],
    ["a rate of zero in its stream", avi([40_000, 50], [1, 0, 100]), 2],
    ["absurd frames", avi([40_000, 50], [0xffff_ffff, 1, 0xffff_ffff]), 2],
    ["no frames", avi([0, 0], [0, 0, 0]), null],
  ])("video facts: playing time of an AVI with %s", async (_name, sample, seconds) => {
    expect(await factsOf(sample, "video/x-msvideo")).toEqual({ durationSeconds: seconds, isPlayable: false });
  });

  /** A packet of MPEG-2 with a presentation time. */
  const timed = (stream: number, time: number, ...content: Buffer[]) => {
    const high = Math.floor(time / 2 ** 30);
    const pts = [0x21 | (high << 1), (time >>> 22) & 0xff, ((time >>> 14) & 0xfe) | 1, (time >>> 7) & 0xff];
    const body = Buffer.concat([Buffer.from([0x81, 0x80, 5, ...pts, ((time << 1) & 0xfe) | 1]), ...content]);
    return startCode(stream, u16(body.length), body);
  };
  const mpeg = (first: number, last: number, ...between: Buffer[]) =>
    Buffer.concat([
      packs.mpeg2,
      timed(0xe0, first, videoStream()),
      ...between,
      packs.mpeg2,
      timed(0xe0, last, videoStream()),
    ]);
  // More than are read at the start of a file.
  const padding = Buffer.concat(Array.from({ length: 80 }, () => startCode(0xbe, u16(2, 0xffff))));
  test.each([
    ["until the end of its last picture", mpeg(90_000, 990_000), 10.04],
    ["with zeros between packs", mpeg(90_000, 990_000, Buffer.alloc(64)), 10.04],
    ["whose clock overflows", mpeg(2 ** 33 - 90_000, 90_000, padding), 2.04],
    ["whose clock was set back", mpeg(900_000, 90_000, padding), null],
    ["without times", Buffer.concat([packs.mpeg2, packet(0xe0, "mpeg2", videoStream())]), null],
    ["that is a video stream", videoStream(), null],
  ])("video facts: playing time of an MPEG %s", async (_name, sample, seconds) => {
    expect(await factsOf(sample, "video/mpeg")).toEqual({ durationSeconds: seconds, isPlayable: false });
  });
});

describe("videos that browsers play", () => {
  const avcC = (profile: number, ...more: number[]) =>
    box("avcC", Buffer.from([1, profile, 0, 30, 0xff, 0xe1, 0, 2, 0x67, 1, 1, 0, 2, 0x68, 1, ...more]));
  const picture = (type: string, ...boxes: Buffer[]) => pictureEntry(type, [64, 48], { boxes });
  const soundEntry = (type: string, version: number, ...boxes: Buffer[]) => {
    const head = Buffer.alloc(version === 1 ? 44 : 28);
    head.writeUInt16BE(1, 6);
    head.writeUInt16BE(version, 8);
    return box(type, head, ...boxes);
  };
  const esds = (objectType: number, specific: number[] = []) => {
    const inner = specific.length > 0 ? [5, specific.length, ...specific] : [];
    const decoder = [4, 13 + inner.length, objectType, ...Buffer.alloc(12), ...inner];
    return fullBox("esds", 0, Buffer.from([3, 3 + decoder.length, 0, 1, 0, ...decoder]));
  };
  const aac = soundEntry("mp4a", 0, esds(0x40, [0x12, 0x10]));
  const h264 = picture("avc1", avcC(66));
  /** Whether a movie is playable; its sound begins with these bytes. */
  async function isPlayable(
    entries: Buffer[],
    sounds: Buffer[] = [],
    type: MediaType = "video/mp4",
    data = "pictures",
  ) {
    const file = movieFile(data, (at) => {
      const sound =
        sounds.length > 0
          ? [track({ id: 2, handler: "soun", entries: sounds, chunks: [at], sampleBytes: 8 })]
          : [];
      return [
        box(
          "moov",
          movieHeader(1000, 1000),
          pictureTrack({ entries, chunks: [at], sampleBytes: 8 }),
          ...sound,
        ),
      ];
    });
    return (await factsOf(file, type))?.isPlayable;
  }

  test.each([
    ["H.264 Baseline", h264, true],
    ["H.264 Main with parameter sets in the stream", picture("avc3", avcC(77)), true],
    ["H.264 High", picture("avc1", avcC(100)), true],
    ["H.264 High that declares 4:2:0", picture("avc1", avcC(100, 0xfd, 0xf8, 0xf8, 0)), true],
    ["H.264 High in grey", picture("avc1", avcC(100, 0xfc, 0xf8, 0xf8, 0)), false],
    ["H.264 with 10 bits", picture("avc1", avcC(110, 0xfd, 0xfa, 0xfa, 0)), false],
    ["H.264 with 4:2:2", picture("avc1", avcC(122)), false],
    ["H.264 with 4:4:4", picture("avc1", avcC(244)), false],
    ["H.264 without a configuration", picture("avc1"), false],
    ["encrypted H.264", picture("encv", avcC(66)), false],
    ["VP9", picture("vp09", fullBox("vpcC", 1, Buffer.alloc(8))), true],
    ["VP9 with 4:4:4", picture("vp09", fullBox("vpcC", 1, Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]))), false],
    ["AV1", picture("av01", box("av1C", "\x81\x00\x0c\0")), true],
    ["AV1 with 4:4:4", picture("av01", box("av1C", "\x81\x20\x0c\0")), false],
    ["HEVC", picture("hvc1", box("hvcC", Buffer.alloc(23, 1))), false],
    ["MPEG-4 Visual", picture("mp4v", esds(0x20)), false],
    ["ProRes", picture("apcn"), false],
    ["an unknown codec", picture("toString"), false],
  ])("video facts: whether browsers play an MP4 with %s", async (_name, entry, expected) => {
    expect(await isPlayable([entry], [aac])).toBe(expected);
    expect(await isPlayable([entry], [], "video/quicktime")).toBe(expected);
  });

  test.each([
    ["AAC-LC", aac, true],
    ["HE-AAC", soundEntry("mp4a", 0, esds(0x40, [0x2b, 0x11])), true],
    ["HE-AAC version 2", soundEntry("mp4a", 0, esds(0x40, [0xeb, 0x09])), true],
    ["AAC-LC of MPEG-2", soundEntry("mp4a", 0, esds(0x67)), true],
    ["AAC-ELD", soundEntry("mp4a", 0, esds(0x40, [0xf8, 0xe8])), false],
    [
      "AAC in QuickTime's box",
      soundEntry("mp4a", 1, box("wave", box("frma", "mp4a"), esds(0x40, [0x12, 0x10]))),
      true,
    ],
    ["Opus", soundEntry("Opus", 0), true],
    ["FLAC", soundEntry("fLaC", 0), true],
    ["Vorbis", soundEntry("mp4a", 0, esds(0xdd)), false],
    ["AC-3", soundEntry("ac-3", 0), false],
    ["AMR", soundEntry("samr", 0), false],
    ["PCM", soundEntry("sowt", 0), false],
    ["ALAC", soundEntry("alac", 0), false],
    ["mp4a without a configuration", soundEntry("mp4a", 0), false],
  ])("video facts: whether browsers play an MP4 with %s", async (_name, entry, expected) => {
    expect(await isPlayable([h264], [entry])).toBe(expected);
  });

  test("video facts: browsers play MP3 in MP4, but not layer II, which has the same type", async () => {
    const sound = [soundEntry("mp4a", 0, esds(0x6b))];
    expect(await isPlayable([h264], sound, "video/mp4", "\xff\xfbframes.")).toBeTrue();
    expect(await isPlayable([h264], sound, "video/mp4", "\xff\xfdframes.")).toBeFalse();
    expect(await isPlayable([h264], sound, "video/mp4", "noframes")).toBeFalse();
  });

  test("video facts: browsers play no 3GP, and no file with a second codec that they lack", async () => {
    expect(await isPlayable([h264], [aac], "video/3gpp")).toBeFalse();
    expect(await isPlayable([h264, picture("hvc1")], [aac])).toBeFalse();
    expect(await isPlayable([h264], [aac, soundEntry("ac-3", 0)])).toBeFalse();
  });
});

describe.skipIf(!Bun.which("ffmpeg") || !Bun.which("ffprobe"))(
  "videos of real encoders (needs ffmpeg)",
  () => {
    let folder = "";
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "image-sharing-video-facts-"));
    });
    afterAll(() => rm(folder, { recursive: true, force: true }));

    async function run(...command: string[]): Promise<string> {
      const child = Bun.spawn(command, { cwd: folder, stdout: "pipe", stderr: "pipe" });
      const [output, errorOutput] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
      ]);
      if ((await child.exited) !== 0) throw new Error(`${command.join(" ")}: ${errorOutput}`);
      return output;
    }

    const h264 = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 5";
    const vp8 = "-c:v libvpx -deadline realtime";
    test.each<[name: string, type: MediaType, options: string, isPlayable: boolean]>([
      ["h264.mp4", "video/mp4", `${h264} -c:a aac`, true],
      ["fragments.mp4", "video/mp4", `${h264} -c:a aac -movflags frag_keyframe+empty_moov`, true],
      ["first-in-index.mp4", "video/mp4", `${h264} -c:a aac -movflags frag_keyframe`, true],
      ["ten-bits.mp4", "video/mp4", "-c:v libx264 -preset ultrafast -pix_fmt yuv420p10le -c:a aac", false],
      ["mp2.mp4", "video/mp4", `${h264} -c:a mp2`, false],
      ["mp3.mp4", "video/mp4", `${h264} -c:a libmp3lame`, true],
      ["h264.mov", "video/quicktime", `${h264} -c:a aac`, true],
      ["pcm.mov", "video/quicktime", `${h264} -c:a pcm_s16le`, false],
      ["vp8.webm", "video/webm", `${vp8} -c:a libopus`, true],
      ["live.webm", "video/webm", `${vp8} -c:a libopus -live 1`, true],
      ["mpeg4.avi", "video/x-msvideo", "-c:v mpeg4 -c:a mp3", false],
      ["mpeg1.mpg", "video/mpeg", "-r 25 -c:v mpeg1video -c:a mp2 -f mpeg", false],
      ["dvd.mpg", "video/mpeg", "-r 25 -c:v mpeg2video -c:a mp2 -f dvd", false],
    ])(
      "video facts: %s has the playing time that ffprobe finds, also after its metadata is removed",
      async (name, type, options, isPlayable) => {
        const inputs = "-f lavfi -i testsrc2=s=96x64:r=10:d=2 -f lavfi -i sine=d=2:r=48000".split(" ");
        await run("ffmpeg", "-nostdin", "-v", "error", "-y", ...inputs, ...options.split(" "), name);
        const found = await run(
          "ffprobe",
          "-v",
          "error",
          "-show_entries",
          "format=duration",
          "-of",
          "csv=p=0",
          name,
        );
        const video = (await removeMetadata(join(folder, name), type)).video;
        // ffprobe finds no duration in a live recording.
        const seconds = Number(found) || 2;
        expect(Math.abs((video?.durationSeconds ?? 0) - seconds)).toBeLessThan(0.05);
        expect(video?.isPlayable).toBe(isPlayable);
        expect((await readMediaFacts(join(folder, name), type)).video).toEqual(video);
      },
      60_000,
    );
  },
);
