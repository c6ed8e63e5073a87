import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { logVideoTools } from "../../src/commands/log-video-tools.ts";
import { readConfig } from "../../src/config/config.ts";
import { createLog } from "../../src/observability/log.ts";
import { createVideoTools } from "../../src/renditions/ffmpeg/video-tools.ts";

let folder = "";
const ffmpeg = () => join(folder, "ffmpeg");
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "log-video-tools-"));
  await Bun.write(join(folder, "ffprobe"), "#!/bin/sh\n");
  await chmod(join(folder, "ffprobe"), 0o755);
});
afterAll(() => rm(folder, { recursive: true }));

/** The events that a start with this setting logs. */
async function logged(setting: string): Promise<Record<string, unknown>[]> {
  const lines: string[] = [];
  const config = readConfig({ FFMPEG: setting });
  const videoTools = config.ffmpeg && createVideoTools(config.ffmpeg);
  await logVideoTools(
    { config, videoTools },
    createLog("info", (line) => void lines.push(line)),
  );
  return lines.map((line) => JSON.parse(line));
}

async function loggedWith(script: string): Promise<Record<string, unknown>[]> {
  await Bun.write(ffmpeg(), `#!/bin/sh\n${script}\n`);
  await chmod(ffmpeg(), 0o755);
  return logged(ffmpeg());
}

test("start: the log says that videos get no posters and renditions with FFMPEG=off", async () => {
  expect(await logged("off")).toEqual([
    expect.objectContaining({
      level: "info",
      event: "ffmpeg.not_used",
      effect: "no posters and no MP4 renditions of videos are made",
    }),
  ]);
});

test.skipIf(process.platform === "win32")(
  "start: the log names ffmpeg, its version and what it can do",
  async () => {
    const answers = `case "$*" in
    *-version*) echo "ffmpeg version n7.1.2-static Copyright";;
    *-encoders*) echo " V....D libx264              libx264 H.264";;
    *-filters*) echo " .SC zscale  V->V  Resize"; echo " .S. tonemap  V->V  Map";;
  esac`;
    const found = { path: ffmpeg(), version: "7.1.2" };
    expect(await loggedWith(answers)).toEqual([
      expect.objectContaining({
        event: "ffmpeg.found",
        ...found,
        h264_encoder: "libx264",
        tone_mapping: true,
      }),
    ]);
    expect(await loggedWith(answers.replaceAll("libx264", "libx265").replace("zscale", "scale"))).toEqual([
      expect.objectContaining({ event: "ffmpeg.found", ...found, tone_mapping: false }),
      expect.objectContaining({ level: "warn", event: "ffmpeg.no_encoder" }),
    ]);
  },
);

test.skipIf(process.platform === "win32")(
  "start: the log warns about an ffmpeg that does not run",
  async () => {
    for (const script of ["echo no libraries >&2; exit 127", "exit 0", "head -c 300000 /dev/urandom"])
      expect(await loggedWith(script)).toEqual([
        expect.objectContaining({ level: "warn", event: "ffmpeg.unusable", path: ffmpeg() }),
      ]);
  },
);
