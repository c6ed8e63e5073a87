import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import type { Capabilities } from "../../../src/renditions/ffmpeg/ffmpeg.ts";
import type { VideoType } from "../../../src/renditions/ffmpeg/video-file.ts";
import { createVideoTools, type VideoTools } from "../../../src/renditions/ffmpeg/video-tools.ts";
import { makeMp4 } from "../../../src/renditions/ffmpeg/mp4.ts";
import { VideoFolder, moving, programs, tone, x264 } from "./video-folder.ts";

const signal = new AbortController().signal;

describe.skipIf(!programs)("MP4 renditions of videos", () => {
  let folder: VideoFolder;
  let tools: VideoTools;
  beforeAll(async () => {
    folder = await VideoFolder.create();
    tools = createVideoTools(programs!);
  });
  afterAll(() => folder.remove());

  const mp4 = (name: string, type: VideoType) =>
    tools.makeMp4(folder.video(name, type), folder.file("out.mp4"), signal);

  /** Checks what holds for every rendition, and that it takes as long as its video. */
  async function expectPlayable(name: string) {
    const [file, rendition] = [await folder.probe(name), await folder.probe("out.mp4")];
    const { video, audio, streams, format } = rendition;
    expect(video).toMatchObject({ codec_name: "h264", pix_fmt: "yuv420p", sample_aspect_ratio: "1:1" });
    expect(video["side_data_list"]).toBeUndefined();
    expect(audio?.["codec_name"]).toBe(file.audio && "aac");
    expect(streams).toBe(audio ? 2 : 1);
    expect(Math.abs(format["duration"] - file.format["duration"])).toBeLessThan(0.1);
    const tags = [video, audio, format].flatMap((facts) => Object.keys(facts?.["tags"] ?? {}));
    const neutral = ["language", "handler_name", "vendor_id", "encoder"];
    const brands = ["major_brand", "minor_version", "compatible_brands"];
    expect(tags.filter((tag) => ![...neutral, ...brands].includes(tag))).toEqual([]);
    const boxes = await folder.boxes("out.mp4");
    expect(boxes.indexOf("moov")).toBeLessThan(boxes.indexOf("mdat"));
    const bytes = await Bun.file(folder.file("out.mp4")).text();
    for (const trace of ["secret", "Lavf", "x264 - core"]) expect(bytes).not.toContain(trace);
    return rendition;
  }

  test("mp4: turns a DVD's video into square pixels, with AAC in stereo and without metadata", async () => {
    const titles = ["-metadata", "title=secret", "-metadata", "comment=secret"];
    const coded = ["-vf", "setsar=64/45", "-c:v", "mpeg2video", "-c:a", "ac3", "-ac", "6", "-f", "dvd"];
    await folder.make("dvd.mpg", ...moving("720x576"), ...tone(), ...coded, ...titles);
    expect(await mp4("dvd.mpg", "video/mpeg")).toMatchObject({ width: 1024, height: 576, hasAudio: true });
    const { video, audio } = await expectPlayable("dvd.mpg");
    expect(video).toMatchObject({ profile: "High", width: 1024, height: 576, r_frame_rate: "25/1" });
    expect(audio["channels"]).toBe(2);
  });

  test("mp4: converts an MPEG stream without packets", async () => {
    await folder.make("stream.mpg", ...moving("320x240"), "-c:v", "mpeg1video", "-f", "mpeg1video");
    expect(await mp4("stream.mpg", "video/mpeg")).toMatchObject({ width: 320, height: 240, hasAudio: false });
  });

  test("mp4: converts an AVI of JPEGs with an odd size to even sides in the limited range", async () => {
    const coded = ["-c:v", "mjpeg", "-pix_fmt", "yuvj422p", "-c:a", "pcm_s16le"];
    await folder.make("odd.avi", "-f", "lavfi", "-i", "testsrc=s=321x241:d=1", ...tone(), ...coded);
    await mp4("odd.avi", "video/x-msvideo");
    const { video } = await expectPlayable("odd.avi");
    expect(video).toMatchObject({ width: 320, height: 240, color_range: "tv" });
  });

  test("mp4: copies H.264 and AAC out of Matroska, without subtitles, chapters and titles", async () => {
    const [subtitles, chapters] = [folder.file("secret.srt"), folder.file("chapters.txt")];
    await Bun.write(subtitles, "1\n00:00:00,000 --> 00:00:00,900\nsecret\n");
    await Bun.write(chapters, ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=500\ntitle=secret\n");
    const inputs = [...moving("320x180"), ...tone(), "-i", subtitles, "-i", chapters];
    const coded = [...x264, "-bsf:v", "filter_units=remove_types=6", "-c:a", "aac", "-c:s", "srt"];
    const maps = ["-map", "0", "-map", "1", "-map", "2", "-map_chapters", "3", "-metadata:s", "title=secret"];
    await folder.make("video.mkv", ...inputs, ...coded, ...maps);
    await mp4("video.mkv", "video/matroska");
    await expectPlayable("video.mkv");
    const [before, after] = [await folder.packets("video.mkv"), await folder.packets("out.mp4")];
    expect(after).toEqual(before);
  });

  test("mp4: converts a WebM with transparency", async () => {
    const source = ["-f", "lavfi", "-i", "color=red@0.5:s=320x180:r=25:d=1,format=yuva420p"];
    const coded = ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-pix_fmt", "yuva420p"];
    await folder.make("alpha.webm", ...source, ...tone(), ...coded, "-c:a", "libopus");
    await mp4("alpha.webm", "video/webm");
    await expectPlayable("alpha.webm");
  });

  test("mp4: bakes the rotation in", async () => {
    await folder.make("lying.mp4", ...moving("320x180"), ...x264);
    await folder.make(
      "turned.mov",
      "-i",
      folder.file("lying.mp4"),
      "-c",
      "copy",
      "-metadata:s:v",
      "rotate=90",
    );
    expect(await mp4("turned.mov", "video/quicktime")).toMatchObject({ width: 180, height: 320 });
    const { video } = await expectPlayable("turned.mov");
    expect(video).toMatchObject({ width: 180, height: 320 });
  });

  test("mp4: shrinks a tall video to Full HD, and 120 frames a second to 60", async () => {
    await folder.make("tall.mp4", ...moving("1440x2560", 0.5, 120), ...x264);
    expect(await mp4("tall.mp4", "video/mp4")).toMatchObject({ width: 1080, height: 1920 });
    await expectPlayable("tall.mp4");
    expect(await folder.times("out.mp4")).toHaveLength(30);
  });

  test("mp4: maps HEVC with 10 bits in PQ to BT.709", async () => {
    const colours = "colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc";
    const coded = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", `log-level=error:${colours}`];
    await folder.make("hdr.mp4", ...moving("320x180", 0.4), "-pix_fmt", "yuv420p10le", ...coded);
    await mp4("hdr.mp4", "video/mp4");
    const { video } = await expectPlayable("hdr.mp4");
    expect(video).toMatchObject({
      color_space: "bt709",
      color_transfer: "bt709",
      color_primaries: "bt709",
      color_range: "tv",
    });
  });

  test("mp4: keeps the times of frames whose rate varies", async () => {
    const uneven = [
      "-vf",
      "select='not(eq(mod(n,5),1)+eq(mod(n,5),2))'",
      "-vsync",
      "vfr",
      "-enc_time_base",
      "1:1000",
    ];
    await folder.make("uneven.mkv", ...moving("320x180", 2), ...uneven, "-c:v", "mpeg4");
    await mp4("uneven.mkv", "video/matroska");
    await expectPlayable("uneven.mkv");
    const [before, after] = [await folder.times("uneven.mkv"), await folder.times("out.mp4")];
    expect(after).toHaveLength(before.length);
    for (const [i, time] of before.entries()) expect(Math.abs(after[i]! - time)).toBeLessThan(0.021);
  });

  test("mp4: without an encoder, copies what needs none and refuses the rest as unsupported", async () => {
    await folder.make("video.mov", ...moving("320x180", 0.4), ...x264);
    await folder.make("video.avi", ...moving("320x180", 0.4), "-c:v", "mpeg4");
    const poor: Capabilities = { ...(await tools.capabilities()), h264Encoder: undefined };
    const make = (name: string, type: VideoType) =>
      makeMp4(programs!, poor, folder.video(name, type), folder.file("poor.mp4"), signal);
    expect(await make("video.mov", "video/quicktime")).toMatchObject({ width: 320 });
    await expect(make("video.avi", "video/x-msvideo")).rejects.toMatchObject({ reason: "unsupported" });
  });
});
