import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import type { VideoType } from "../../../src/renditions/ffmpeg/video-file.ts";
import { createVideoTools, type VideoTools } from "../../../src/renditions/ffmpeg/video-tools.ts";
import { VideoFolder, moving, plain, programs, tone, x264 } from "./video-folder.ts";

const signal = new AbortController().signal;

describe.skipIf(!programs)("posters of videos", () => {
  let folder: VideoFolder;
  let tools: VideoTools;
  beforeAll(async () => {
    folder = await VideoFolder.create();
    tools = createVideoTools(programs!);
  });
  afterAll(() => folder.remove());

  const poster = (name: string, type: VideoType) =>
    tools.makePoster(folder.video(name, type), folder.file("poster.png"), signal);

  test("poster: is a PNG of the video's size without metadata", async () => {
    await folder.make("plain.mp4", ...moving("320x180"), ...x264, "-metadata", "title=secret");
    expect(await poster("plain.mp4", "video/mp4")).toEqual({ width: 320, height: 180 });
    const { video, format } = await folder.probe("poster.png");
    expect(video).toMatchObject({ codec_name: "png", pix_fmt: "rgb24", width: 320, height: 180 });
    expect(format["tags"]).toBeUndefined();
    expect(await Bun.file(folder.file("poster.png")).text()).not.toContain("tEXt");
  });

  test("poster: its long side is at most 1600 pixels", async () => {
    await folder.make("wide.mp4", ...moving("2000x500", 0.2), ...x264);
    expect(await poster("wide.mp4", "video/mp4")).toEqual({ width: 1600, height: 400 });
  });

  test("poster: an odd size stays as it is", async () => {
    await folder.make(
      "odd.avi",
      "-f",
      "lavfi",
      "-i",
      "testsrc=s=321x241:d=1",
      "-c:v",
      "mjpeg",
      "-pix_fmt",
      "yuvj444p",
    );
    expect(await poster("odd.avi", "video/x-msvideo")).toEqual({ width: 321, height: 241 });
    expect((await folder.probe("poster.png")).video).toMatchObject({ width: 321, height: 241 });
  });

  test("poster: is upright", async () => {
    const halves = ["-f", "lavfi", "-i", "color=red:s=160x180:d=1,pad=320:180:0:0:blue"];
    await folder.make("lying.mp4", ...halves, ...x264);
    await folder.make(
      "turned.mp4",
      "-i",
      folder.file("lying.mp4"),
      "-c",
      "copy",
      "-metadata:s:v",
      "rotate=90",
    );
    expect(await poster("turned.mp4", "video/mp4")).toEqual({ width: 180, height: 320 });
    expect((await folder.probe("poster.png")).video).toMatchObject({ width: 180, height: 320 });
    const [top = [], bottom = []] = [
      await folder.colour("poster.png", "iw:100:0:20"),
      await folder.colour("poster.png", "iw:100:0:200"),
    ];
    // ffmpeg writes the matrix of a video that is turned anticlockwise, to the left.
    expect(top[2]! > 200 && top[0]! < 50).toBe(true);
    expect(bottom[0]! > 200 && bottom[2]! < 50).toBe(true);
  });

  test("poster: has square pixels", async () => {
    await folder.make(
      "dvd.mpg",
      ...moving("720x576"),
      "-vf",
      "setsar=64/45",
      "-c:v",
      "mpeg2video",
      "-f",
      "dvd",
    );
    expect(await poster("dvd.mpg", "video/mpeg")).toEqual({ width: 1024, height: 576 });
    expect((await folder.probe("poster.png")).video).toMatchObject({ width: 1024, height: 576 });
  });

  test("poster: shows a frame after a black start", async () => {
    const file = ["-f", "lavfi", "-i", "color=red:s=320x180:r=25:d=4,fade=in:st=2:d=1"];
    await folder.make("fade.mp4", ...file, ...x264);
    await poster("fade.mp4", "video/mp4");
    expect((await folder.colour("poster.png"))[0]).toBeGreaterThan(100);
  });

  test("poster: shows a black video as black", async () => {
    await folder.make("night.mp4", ...plain("black", "320x180"), ...x264);
    await poster("night.mp4", "video/mp4");
    expect(Math.max(...(await folder.colour("poster.png")))).toBeLessThan(5);
  });

  test("poster: of a video with few frames is one of them", async () => {
    await folder.make("short.mp4", ...plain("red", "320x180", 0.2), ...x264);
    await folder.make("frame.mp4", ...plain("red", "320x180", 0.04), ...x264);
    for (const name of ["short.mp4", "frame.mp4"]) {
      await poster(name, "video/mp4");
      expect((await folder.colour("poster.png"))[0]).toBeGreaterThan(200);
    }
  });

  test("poster: is of the video, not of its cover", async () => {
    await folder.make("cover.png", ...plain("blue", "64x64", 0.04), "-frames:v", "1");
    const inputs = ["-i", folder.file("cover.png"), ...plain("red", "320x180")];
    const maps = ["-map", "0", "-map", "1", "-c:v:0", "png", "-disposition:v:0", "attached_pic"];
    await folder.make("covered.mp4", ...inputs, ...maps, "-c:v:1", "libx264", "-pix_fmt:v:1", "yuv420p");
    expect(await poster("covered.mp4", "video/mp4")).toEqual({ width: 320, height: 180 });
    expect((await folder.colour("poster.png"))[0]).toBeGreaterThan(200);
    const sound = ["-map", "0", "-map", "1", "-c:v", "png", "-disposition:v:0", "attached_pic"];
    await folder.make("song.mp4", "-i", folder.file("cover.png"), ...tone(), ...sound);
    await expect(poster("song.mp4", "video/mp4")).rejects.toMatchObject({
      reason: "unsupported",
      isTemporary: false,
    });
  });

  test.each([
    ["PQ", "smpte2084"],
    ["HLG", "arib-std-b67"],
  ])("poster: maps %s to the standard range", async (_name, transfer) => {
    expect((await tools.capabilities()).canToneMap).toBe(true);
    // 203 nits, reference white: 58 % of the signal in PQ, 75 % in HLG.
    const luma = Math.round(64 + (transfer === "smpte2084" ? 0.58 : 0.75) * 876);
    const white = `color=black:s=320x180:r=25:d=1,format=yuv420p10le,geq=lum=${luma}:cb=512:cr=512`;
    const colours = `colorprim=bt2020:transfer=${transfer}:colormatrix=bt2020nc`;
    const coded = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", `log-level=error:${colours}`];
    await folder.make("hdr.mp4", "-f", "lavfi", "-i", white, ...coded, "-tag:v", "hvc1");
    await poster("hdr.mp4", "video/mp4");
    const [red = 0, green = 0, blue = 0] = await folder.colour("poster.png");
    expect(Math.max(red, green, blue) - Math.min(red, green, blue)).toBeLessThan(4);
    expect(green).toBeGreaterThan(190);
    expect(green).toBeLessThan(235);
  });

  test("poster: colours of a video in high definition that names no matrix are those of BT.709", async () => {
    const raw = "color=black:s=1280x720:r=25:d=0.2,format=yuv420p,geq=lum=63:cb=102:cr=240";
    await folder.make("red.mp4", "-f", "lavfi", "-i", raw, ...x264);
    await poster("red.mp4", "video/mp4");
    const [red = 0, green = 255, blue = 255] = await folder.colour("poster.png");
    expect(red).toBeGreaterThan(245);
    expect(Math.max(green, blue)).toBeLessThan(10);
  });
});
