import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { createVideoTools, type VideoTools } from "../../../src/renditions/ffmpeg/video-tools.ts";
import { VideoFolder, moving, programs, tone, x264 } from "./video-folder.ts";

const signal = new AbortController().signal;

describe.skipIf(!programs)("transport streams", () => {
  let folder: VideoFolder;
  let tools: VideoTools;
  beforeAll(async () => {
    folder = await VideoFolder.create();
    tools = createVideoTools(programs!);
  });
  afterAll(() => folder.remove());

  const rewrap = (name: string) =>
    tools.rewrapTransportStream(folder.file(name), folder.file("out.mp4"), signal);

  const x265 = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error"];
  test.each([
    [
      "camcorder.m2ts",
      "H.264 and AC-3",
      [...x264, "-c:a", "ac3", "-f", "mpegts", "-mpegts_m2ts_mode", "1"],
      "avc1",
      "ac3",
    ],
    ["phone.ts", "HEVC and AAC", [...x265, "-c:a", "aac", "-f", "mpegts"], "hvc1", "aac"],
    // MP4 has one name for all layers.
    ["broadcast.ts", "MPEG-2 and MP2", ["-c:v", "mpeg2video", "-c:a", "mp2", "-f", "mpegts"], "mp4v", "mp3"],
  ])("transport stream: %s is copied into MP4, with %s", async (name, _codecs, coded, tag, sound) => {
    await folder.make(name, ...moving("320x180"), ...tone(), ...coded, "-metadata", "service_name=secret");
    expect(await rewrap(name)).toMatchObject({ width: 320, height: 180, hasAudio: true });
    const [before, after] = [await folder.probe(name), await folder.probe("out.mp4")];
    expect(after.video["codec_tag_string"]).toBe(tag);
    expect(after.audio["codec_name"]).toBe(sound);
    expect(Math.abs(after.format["duration"] - before.format["duration"])).toBeLessThan(0.1);
    expect(await folder.frames("out.mp4")).toEqual(await folder.frames(name));
    const boxes = await folder.boxes("out.mp4");
    expect(boxes.indexOf("moov")).toBeLessThan(boxes.indexOf("mdat"));
    expect(await Bun.file(folder.file("out.mp4")).text()).not.toContain("secret");
  });

  test("transport stream: of several programs, the first one is copied", async () => {
    const inputs = [...moving("320x180"), ...moving("160x90"), ...tone()];
    const maps = ["-map", "1:v", "-map", "0:v", "-map", "2:a", "-program", "st=0", "-program", "st=1:st=2"];
    await folder.make("two.ts", ...inputs, ...maps, "-c:v", "mpeg2video", "-c:a", "mp2", "-f", "mpegts");
    expect(await rewrap("two.ts")).toMatchObject({ width: 160, height: 90, hasAudio: false });
  });

  test("transport stream: a codec that has no place in MP4 is unsupported, and may be transcoded", async () => {
    const coded = [...x264, "-c:a", "dca", "-ar", "48000", "-ac", "2", "-strict", "-2", "-f", "mpegts"];
    await folder.make("dts.ts", ...moving("320x180"), ...tone(), ...coded);
    await expect(rewrap("dts.ts")).rejects.toMatchObject({ reason: "unsupported", isTemporary: false });
  });
});
