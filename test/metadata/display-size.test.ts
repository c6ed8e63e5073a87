import { describe, expect, test } from "bun:test";

import { clean } from "./cleaning.ts";
import {
  box,
  element,
  movieFile,
  openElement,
  movie,
  pictureEntry,
  track,
  turnedMovie,
  u16,
  u32,
  type TrackSample,
} from "./container-samples.ts";
import { startCode, videoStream } from "./mpeg-samples.ts";
import { riffChunk, riffFile } from "./photo-samples.ts";

const pasp = (across: number, down: number) => box("pasp", u32(across, down));
const clap = (...numbers: number[]) => box("clap", u32(...numbers, 0, 1, 0, 1));

async function movieSize(
  sample: Partial<TrackSample>,
  matrix: Parameters<typeof turnedMovie>[0] = "upright",
) {
  const file = movieFile("", () => [turnedMovie(matrix, track({ id: 1, handler: "vide", ...sample }))]);
  const { size } = (await clean(file, "video/mp4")).facts;
  return size && [size.width, size.height];
}

/** A track with coded pictures of 720 × 576 and the given size in its header. */
const dv = (shown: [number, number], ...boxes: Buffer[]): Partial<TrackSample> => ({
  shown,
  entries: [pictureEntry("dvcp", [720, 576], { boxes })],
});

describe("display size of videos", () => {
  test.each([
    ["pixels that are not square", dv([720, 576], pasp(64, 45)), [1024, 576]],
    ["wide pixels that the header already includes", dv([1024, 576], pasp(64, 45)), [1024, 576]],
    ["narrow pixels", dv([720, 576], pasp(8, 9)), [720, 648]],
    ["no size in its header", dv([0, 0], pasp(16, 15)), [768, 576]],
    ["a different size in its header", dv([320, 240], pasp(64, 45)), [1024, 576]],
    ["nothing but a different size in its header", dv([512, 288]), [1024, 576]],
    ["a fraction, rounded up", dv([720, 576], pasp(59, 54)), [787, 576]],
    ["a fraction in its header, rounded up", dv([1023.5, 576]), [1024, 576]],
    ["a fraction in its header, rounded down", dv([1023.4, 576]), [1023, 576]],
    ["a clean aperture, which browsers ignore", dv([720, 576], clap(704, 1, 560, 1)), [720, 576]],
    ["a clean aperture of wide pixels", dv([720, 576], clap(1408, 2, 576, 1), pasp(12, 11)), [785, 576]],
    [
      "a clean aperture of wide pixels, already applied",
      dv([1024, 576], clap(702, 1, 576, 1), pasp(64, 45)),
      [1024, 576],
    ],
    ["an impossible aperture", dv([720, 576], clap(704, 0, 9999, 1)), [720, 576]],
    ["an impossible shape of pixels", dv([720, 576], pasp(0, 0)), [720, 576]],
    [
      "a rotated picture of wide pixels",
      { ...dv([720, 576], pasp(64, 45)), matrix: "sideways" as const },
      [576, 1024],
    ],
    ["a matrix that stretches", { ...dv([720, 576]), matrix: "stretched" as const }, [1440, 576]],
    ["a matrix of zeros", { ...dv([720, 576]), matrix: "zero" as const }, [720, 576]],
  ])("display size: an MP4 or MOV with %s", async (_name, sample, size) => {
    expect(await movieSize(sample)).toEqual(size);
  });

  test("display size: combines the matrices of the movie and the track", async () => {
    expect(await movieSize(dv([720, 576]), "sideways")).toEqual([576, 720]);
    expect(await movieSize({ ...dv([720, 576]), matrix: "sideways" }, "sideways")).toEqual([720, 576]);
  });

  test("display size: uses the first enabled track", async () => {
    const enabled = track({ id: 2, handler: "vide", shown: [320, 240] });
    enabled.writeUInt8(1, enabled.indexOf("tkhd") + 7);
    const file = movieFile("", () => [movie(track({ id: 1, handler: "vide" }), enabled)]);
    expect((await clean(file, "video/mp4")).facts.size).toEqual({ width: 320, height: 240 });
  });

  const uint = (value: number) => u16(value);
  const pixels = [element(0xb0, uint(720)), element(0xba, uint(576))];
  const shown = (width: number, height: number, unit?: number) => [
    element(0x54b0, uint(width)),
    element(0x54ba, uint(height)),
    ...(unit === undefined ? [] : [element(0x54b2, Buffer.from([unit]))]),
  ];
  const roll = (degrees: number) => {
    const value = Buffer.alloc(4);
    value.writeFloatBE(degrees);
    return element(0x7670, element(0x7671, "\0"), element(0x7675, value));
  };
  const crop = [
    element(0x54aa, uint(6)),
    element(0x54bb, uint(10)),
    element(0x54cc, uint(8)),
    element(0x54dd, uint(8)),
  ];
  test.each([
    ["nothing but its pixels", [], [720, 576]],
    ["a display size", shown(1024, 576), [1024, 576]],
    ["a larger display size", shown(1440, 1152, 0), [720, 576]],
    ["narrow pixels", shown(360, 576, 0), [720, 1152]],
    ["a ratio", shown(16, 9, 3), [1024, 576]],
    ["centimetres", shown(40, 30, 1), [768, 576]],
    ["a ratio declared as pixels", shown(16, 9), [1024, 576]],
    ["an unknown unit", shown(16, 9, 4), [720, 576]],
    ["borders", crop, [704, 560]],
    ["borders and a ratio", [...crop, ...shown(4, 3, 3)], [747, 560]],
    ["more borders than pixels", [element(0x54aa, uint(600))], null],
    ["a rotated picture", [...shown(1024, 576), roll(-90)], [576, 1024]],
    ["a width of 64 bits", [element(0x54b0, Buffer.alloc(8, 0x7f)), element(0x54ba, uint(576))], null],
    ["a width of 2^31", [element(0x54b0, u32(2 ** 31)), element(0x54ba, uint(576))], null],
    [
      "the largest width",
      [element(0x54b0, u32(2 ** 31 - 1)), element(0x54ba, uint(576))],
      [2 ** 31 - 1, 576],
    ],
    ["a ratio beyond all heights", [element(0x54b0, uint(1)), element(0x54ba, u32(2 ** 32 - 1))], null],
    ["a picture upside down", [roll(180)], [720, 576]],
  ])("display size: a Matroska with %s", async (_name, parts, size) => {
    const video = element(0xe0, ...pixels, ...parts);
    const sample = Buffer.concat([
      element(0x1a45dfa3, element(0x4282, "webm")),
      openElement(
        0x18538067,
        element(0x1654ae6b, element(0xae, element(0xd7, "\x01"), element(0x83, "\x01"), video)),
      ),
    ]);
    const { facts } = await clean(sample, "video/webm");
    expect(facts.size && [facts.size.width, facts.size.height]).toEqual(size);
    expect(facts).toMatchObject({ hasPicture: true, decodedPixels: 720 * 576 });
  });

  const list = (kind: string, ...chunks: Buffer[]) =>
    riffChunk("LIST", Buffer.concat([Buffer.from(kind), ...chunks]));
  /** An AVI of 720 × 480 with an aspect ratio in `vprp`, which applies to a frame of this size. */
  const avi = (ratio?: [across: number, down: number], frame = [720, 480]) => {
    const format = Buffer.alloc(40);
    format.writeInt32LE(720, 4);
    format.writeInt32LE(-480, 8);
    const properties = Buffer.alloc(36);
    if (ratio) {
      properties.writeUInt16LE(ratio[1], 20);
      properties.writeUInt16LE(ratio[0], 22);
      properties.writeUInt32LE(frame[0] ?? 0, 24);
      properties.writeUInt32LE(frame[1] ?? 0, 28);
    }
    const vprp = ratio ? [riffChunk("vprp", properties)] : [];
    const stream = list(
      "strl",
      riffChunk("strh", Buffer.from("vids".padEnd(56, "\0"))),
      riffChunk("strf", format),
      ...vprp,
    );
    const header = list("hdrl", riffChunk("avih", Buffer.alloc(56)), stream);
    return riffFile("AVI ", header, list("movi", riffChunk("00dc", Buffer.alloc(8))));
  };
  test.each([
    ["no ratio", avi(), [720, 480]],
    ["a ratio of 4:3", avi([4, 3]), [640, 480]],
    ["a ratio of 16:9", avi([16, 9]), [853, 480]],
    ["a ratio of another frame", avi([4, 3], [704, 480]), [655, 480]],
    ["an impossible ratio", avi([0, 0]), [720, 480]],
    ["a ratio beyond all widths", avi([65_535, 1], [1, 0xffff_ffff]), null],
  ])("display size: an AVI with %s", async (_name, sample, size) => {
    const { facts } = await clean(sample, "video/x-msvideo");
    expect(facts.size && [facts.size.width, facts.size.height]).toEqual(size);
    expect(facts.decodedPixels).toBe(720 * 480);
  });

  const extension = startCode(0xb5, u32(0x1000_0000), u16(0));
  test.each([
    ["MPEG-2 of square pixels", 1, [extension], [720, 576]],
    ["MPEG-2 of 4:3", 2, [extension], [768, 576]],
    ["MPEG-2 of 16:9", 3, [extension], [1024, 576]],
    ["MPEG-2 of 2.21:1", 4, [extension], [1273, 576]],
    ["MPEG-1 of 4:3", 8, [], [786, 576]],
    ["MPEG-1 of 16:9", 3, [], [1024, 576]],
  ])("display size: %s", async (_name, code, more, size) => {
    const sample = videoStream(720, 576, ...more);
    sample.writeUInt8((code << 4) | (sample.readUInt8(7) & 15), 7);
    const { facts } = await clean(sample, "video/mpeg");
    expect(facts.size && [facts.size.width, facts.size.height]).toEqual(size);
    expect(facts.decodedPixels).toBe(720 * 576);
  });
});
