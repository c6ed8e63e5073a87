import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { removeMetadata } from "../../src/metadata/remove-metadata.ts";
import type { MediaType } from "../../src/media-types.ts";
import { leaks } from "./cleaning.ts";
import { withTails } from "./video-tails.ts";

const isMissing = !Bun.which("ffmpeg");
let folder = "";

/** Runs ffmpeg, and returns its output and its warnings. */
async function ffmpeg(...options: string[]): Promise<{ output: string; warnings: string[] }> {
  const child = Bun.spawn(["ffmpeg", "-nostdin", "-hide_banner", "-v", "warning", "-y", ...options], {
    cwd: folder,
    stdout: "pipe",
    stderr: "pipe",
  });
  const [output, errorOutput] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  if ((await child.exited) !== 0) throw new Error(`${options.join(" ")}: ${errorOutput}`);
  const lines = errorOutput.split("\n").map((line) => line.replace(/ @ 0x[0-9a-f]+/, ""));
  return { output, warnings: lines.filter((line) => line !== "") };
}

const decode = (name: string, key: readonly string[] = []) =>
  ffmpeg(...key, "-i", name, "-map", "0:v", "-map", "0:a?", "-f", "framemd5", "-");

const picture = ["-f", "lavfi", "-i", "testsrc2=s=96x64:r=10:d=1"];
const tone = ["-f", "lavfi", "-i", "sine=d=1:r=48000"];
const h264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "5"];
const relative = "frag_keyframe+empty_moov+default_base_moof";
const key = ["-decryption_key", "0".repeat(32)];
const protection = ["-encryption_scheme", "cenc-aes-ctr", "-encryption_key", "0".repeat(32)];

/** File names with their ffmpeg options. */
const videos: Record<string, string[]> = {
  "h264-aac.mp4": [...h264, "-vf", "setsar=4/3", "-c:a", "aac"],
  "hevc-eac3.mp4": ["-c:v", "libx265", "-x265-params", "log-level=none", "-tag:v", "hvc1", "-c:a", "eac3"],
  "vp9-flac.mp4": ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-c:a", "flac", "-strict", "-2"],
  "mpeg4-opus.mp4": ["-c:v", "mpeg4", "-c:a", "libopus", "-strict", "-2"],
  "mpeg4-vorbis.mp4": ["-c:v", "mpeg4", "-c:a", "libvorbis"],
  "mpeg4-ac3.mp4": ["-c:v", "mpeg4", "-c:a", "ac3"],
  "fragments.mp4": [...h264, "-c:a", "aac", "-movflags", relative],
  "dash.mp4": [...h264, "-c:a", "aac", "-movflags", `${relative}+dash`],
  "prores-pcm.mov": ["-c:v", "prores_ks", "-c:a", "pcm_s24le"],
  "jpeg-alac.mov": ["-c:v", "mjpeg", "-c:a", "alac"],
  "mpeg2-mp3.mov": ["-r", "25", "-c:v", "mpeg2video", "-c:a", "mp3"],
  "animation-ima4.mov": ["-c:v", "qtrle", "-c:a", "adpcm_ima_qt"],
  "h263.3gp": ["-s", "176x144", "-c:v", "h263", "-c:a", "aac"],
};
const types: Record<string, MediaType> = { mp4: "video/mp4", mov: "video/quicktime", "3gp": "video/3gpp" };
const typeOf = (name: string) => types[name.split(".").at(-1) ?? ""] ?? "video/mp4";

/** Cleans a copy of a video, and returns the name of the copy. */
async function cleaned(name: string): Promise<string> {
  await copyFile(join(folder, name), join(folder, `clean-${name}`));
  await removeMetadata(join(folder, `clean-${name}`), typeOf(name));
  return `clean-${name}`;
}

describe.skipIf(isMissing)("videos of real encoders (needs ffmpeg)", () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "image-sharing-videos-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test.each(Object.entries(videos))(
    "movie tools: remove text after every box in the index of %s, and decode the same frames without new warnings",
    async (name, options) => {
      await ffmpeg(...picture, ...tone, ...options, name);
      const before = await decode(name);
      const after = await decode(await cleaned(name));
      expect(after.output).toBe(before.output);
      expect(before.warnings).toEqual(expect.arrayContaining(after.warnings));

      const whole = Buffer.from(await Bun.file(join(folder, name)).bytes());
      await Bun.write(join(folder, `tails-${name}`), withTails(whole));
      const clean = await cleaned(`tails-${name}`);
      expect(leaks(Buffer.from(await Bun.file(join(folder, clean)).bytes()))).toBeFalse();
      const shown = await decode(clean);
      expect(shown.output).toBe(before.output);
      const known = [...before.warnings, ...(await decode(`tails-${name}`)).warnings];
      expect(known).toEqual(expect.arrayContaining(shown.warnings));
    },
    60_000,
  );

  test("movie tools: decrypt a cleaned encrypted video", async () => {
    await ffmpeg(
      ...picture,
      ...tone,
      ...h264,
      ...protection,
      "-encryption_kid",
      "1".repeat(32),
      "protected.mp4",
    );
    const before = await decode("protected.mp4", key);
    expect((await decode(await cleaned("protected.mp4"), key)).output).toBe(before.output);
  });

  test("movie tools: remove subtitles from a fragmented video without new warnings", async () => {
    const lines = "1\n00:00:00,000 --> 00:00:00,900\nGPS(13.4,52.5) secret\n";
    await Bun.write(join(folder, "drone.srt"), lines);
    for (const flags of ["dash", "dash+global_sidx", "separate_moof"]) {
      const subtitled = [...tone, "-i", "drone.srt", "-map", "0", "-map", "1", "-map", "2", ...h264];
      await ffmpeg(
        ...picture,
        ...subtitled,
        ...["-c:a", "aac", "-c:s", "mov_text", "-movflags", `frag_keyframe+empty_moov+${flags}`],
        "subtitled.mp4",
      );
      const before = await decode("subtitled.mp4");
      const clean = await cleaned("subtitled.mp4");
      const after = await decode(clean);
      expect(after.output).toBe(before.output);
      expect(before.warnings).toEqual(expect.arrayContaining(after.warnings));
      expect(leaks(Buffer.from(await Bun.file(join(folder, clean)).bytes()))).toBeFalse();
    }
  }, 60_000);
});
