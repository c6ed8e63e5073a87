import { chmod, symlink } from "node:fs/promises";
import { join } from "node:path";

import type { FfmpegPrograms } from "../../src/config/ffmpeg-programs.ts";

/**
 * Writes a program into a folder that runs ffmpeg, but first a script when the output is an MP4.
 * @param script for sh, with the path of the MP4 in `$output`; ffmpeg runs after it, unless it ends the process
 * @returns the path of the program, with ffprobe beside it
 */
export async function writeOddFfmpeg(
  { ffmpeg, ffprobe }: FfmpegPrograms,
  folder: string,
  script: string,
): Promise<string> {
  const path = join(folder, "ffmpeg");
  const lines = [
    "#!/bin/sh",
    "for output; do :; done",
    'case "$output" in',
    "file:*.mp4)",
    'output="${output#file:}"',
    script,
    ";;",
    "esac",
    `exec ${ffmpeg} "$@"`,
  ];
  await Bun.write(path, `${lines.join("\n")}\n`);
  await chmod(path, 0o755);
  await symlink(ffprobe, join(folder, "ffprobe"));
  return path;
}
