import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { chmod, symlink } from "node:fs/promises";

import { convert } from "../../../src/renditions/ffmpeg/ffmpeg.ts";
import { failureOf } from "../../../src/renditions/ffmpeg/video-error.ts";
import { inputOptions, type VideoType } from "../../../src/renditions/ffmpeg/video-file.ts";
import { createVideoTools, type VideoTools } from "../../../src/renditions/ffmpeg/video-tools.ts";
import { limitsOf, mp4Limits } from "../../../src/renditions/ffmpeg/limits.ts";
import { runLimited, type ProgramLimits } from "../../../src/concurrency/limited-program.ts";
import { VideoFolder, moving, plain, programs, x264 } from "./video-folder.ts";

const signal = new AbortController().signal;

describe.skipIf(!programs)("hostile videos and full disks", () => {
  let folder: VideoFolder;
  let tools: VideoTools;
  beforeAll(async () => {
    folder = await VideoFolder.create();
    tools = createVideoTools(programs!);
    await folder.make("secret.mp4", ...plain("red", "320x180"), ...x264);
    await folder.make("video.mp4", ...moving("640x360", 4), ...x264);
  });
  afterAll(() => folder.remove());

  const mp4Of = (name: string, type: VideoType) =>
    tools.makeMp4(folder.video(name, type), folder.file("out.mp4"), signal);
  const rejection = (work: Promise<unknown>) =>
    work.then(
      () => "fulfilled",
      (error: unknown) => error,
    );

  /** Files that name others, and types that they claim. */
  const scripts: [name: string, script: (secret: string) => string, claimed: readonly VideoType[]][] = [
    [
      "an HLS playlist",
      (secret) => `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://${secret}\n#EXT-X-ENDLIST\n`,
      ["video/mp4", "video/webm", "video/x-msvideo", "video/mpeg", "video/mp2t", "video/ogg"],
    ],
    [
      "a script of concat",
      (secret) => `ffconcat version 1.0\nfile '${secret}'\n`,
      ["video/mp4", "video/mpeg"],
    ],
  ];
  test.each(scripts)(
    "videos: %s is not followed, whatever type it claims",
    async (_name, script, claimed) => {
      await Bun.write(folder.file("script"), script(folder.file("secret.mp4")));
      for (const type of claimed) {
        expect(await rejection(mp4Of("script", type))).toMatchObject({
          name: "VideoError",
          isTemporary: false,
        });
        expect(existsSync(folder.file("out.mp4"))).toBe(false);
      }
    },
  );

  test("videos: ffmpeg without the options of an input would follow a script", async () => {
    await Bun.write(folder.file("script"), `ffconcat version 1.0\nfile '${folder.file("secret.mp4")}'\n`);
    const follow = ["-safe", "0", "-i", folder.file("script"), "-c", "copy"];
    await folder.make("followed.mp4", ...follow);
    expect((await folder.probe("followed.mp4")).video).toMatchObject({ width: 320 });
  });

  test("videos: only the file itself is read, as its own format, and references of a MOV to others are not followed", async () => {
    const options = await inputOptions(folder.video("video.mp4", "video/mp4"));
    const valueOf = (name: string) => options[options.indexOf(name) + 1];
    expect(["-protocol_whitelist", "-format_whitelist", "-f"].map(valueOf)).toEqual(["file", "mov", "mov"]);
    expect(["-enable_drefs", "-use_absolute_path"].map(valueOf)).toEqual(["0", "0"]);
    expect(options.at(-1)).toBe(`file:${folder.file("video.mp4")}`);
  });

  test("videos: a decoder that videos do not use is unsupported", async () => {
    await folder.make("game.avi", ...moving("320x200"), "-c:v", "zmbv");
    expect(await rejection(mp4Of("game.avi", "video/x-msvideo"))).toMatchObject({ reason: "unsupported" });
  });

  test("videos: a file cut off before its index and one of zeros are damaged", async () => {
    const file = await Bun.file(folder.file("video.mp4")).bytes();
    await Bun.write(folder.file("cut.mp4"), file.subarray(0, 10_000));
    await Bun.write(folder.file("zeros.mp4"), new Uint8Array(100_000));
    for (const name of ["cut.mp4", "zeros.mp4"])
      expect(await rejection(mp4Of(name, "video/mp4"))).toMatchObject({
        reason: "damaged",
        isTemporary: false,
      });
  });

  /** Converts a video with other limits than usual. */
  const convertWithin = async (
    limits: Partial<ProgramLimits>,
    output = folder.file("out.mp4"),
    on = signal,
  ) => {
    const input = ["-stream_loop", "-1", ...(await inputOptions(folder.video("video.mp4", "video/mp4")))];
    const options = ["-c:v", "libx264", "-f", "mp4"];
    return rejection(convert(programs!, { input, options, output }, { ...mp4Limits(1), ...limits }, on));
  };

  test.each<[string, Partial<ProgramLimits>]>([
    ["processor time", { processorSeconds: 1 }],
    ["memory", { memoryBytes: 340 * 1024 ** 2 }],
    ["output", { fileBytes: 10_000 }],
  ])("videos: one that takes too much %s is too costly, and its output is removed", async (_name, limits) => {
    expect(await convertWithin(limits)).toMatchObject({ reason: "costly", isTemporary: false });
    expect(existsSync(folder.file("out.mp4"))).toBe(false);
  });

  test("videos: a full disk ends a conversion with STORAGE_FULL, and its output is removed", async () => {
    const full = folder.file("full.mp4");
    await symlink("/dev/full", full);
    expect(await convertWithin({}, full)).toMatchObject({ code: "STORAGE_FULL" });
    expect(existsSync(full)).toBe(false);
  });

  test("videos: a message about a full disk, which may quote the video, interrupts a conversion if the disk is not full", async () => {
    await Bun.write(folder.file("lying"), "#!/bin/sh\necho title: No space left on device >&2\nexit 1\n");
    await chmod(folder.file("lying"), 0o755);
    const output = folder.file("x.mp4");
    const lying = convert(
      { ...programs!, ffmpeg: folder.file("lying") },
      { input: [], options: [], output },
      mp4Limits(1),
      signal,
    );
    expect(await rejection(lying)).toMatchObject({ reason: "interrupted", isTemporary: true });
    expect(existsSync(output)).toBe(false);
  });

  test("videos: an aborted conversion ends with the signal's reason, and its output is removed", async () => {
    const abort = new AbortController();
    const output = folder.file("aborted.mp4");
    const conversion = convertWithin({}, output, abort.signal);
    const reason = new Error("stop");
    const watch = setInterval(() => existsSync(output) && abort.abort(reason), 10);
    expect(await conversion).toBe(reason);
    clearInterval(watch);
    expect(existsSync(output)).toBe(false);
  });

  test("videos: an ffmpeg that does not work is temporary, because no video is at fault", async () => {
    await Bun.write(folder.file("broken"), "#!/bin/sh\necho no libraries >&2\nexit 127\n");
    await chmod(folder.file("broken"), 0o755);
    const broken = createVideoTools({ ffmpeg: folder.file("broken"), ffprobe: folder.file("broken") });
    const file = folder.video("video.mp4", "video/mp4");
    for (const conversion of [
      broken.makePoster(file, folder.file("x.png"), signal),
      broken.makeMp4(file, folder.file("x.mp4"), signal),
      broken.rewrapTransportStream(folder.file("video.ts"), folder.file("x.mp4"), signal),
    ])
      expect(await conversion.catch((error: unknown) => error)).toMatchObject({ isTemporary: true });
  });

  test("videos: an ffmpeg that a signal has ended, whose output is incomplete, or that cannot be executed, is temporary", async () => {
    const end = { output: "", errorOutput: "" };
    for (const [kind, status] of [
      ["killed", null],
      ["clock", null],
      ["unread", 0],
      ["exited", 255],
      ["exited", 126],
    ] as const)
      expect(failureOf({ ...end, end: kind, status })).toMatchObject({ isTemporary: true });
    for (const [kind, status] of [
      ["crashed", null],
      ["exited", 1],
      ["processor time", null],
    ] as const)
      expect(failureOf({ ...end, end: kind, status })).toMatchObject({ isTemporary: false });
    const missing = await runLimited([folder.file("missing")], limitsOf.reading, signal);
    expect(failureOf(missing)).toMatchObject({ reason: "interrupted" });
  });
});
