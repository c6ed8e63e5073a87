import { accessSync, constants, realpathSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";

/** Absolute paths of the two programs of an FFmpeg installation. */
export interface FfmpegPrograms {
  readonly ffmpeg: string;
  readonly ffprobe: string;
}

/**
 * Finds the FFmpeg programs. Every distribution installs ffprobe beside ffmpeg, and its JSON is the documented way to
 * inspect a video; the text that ffmpeg prints is not.
 * @param named path of ffmpeg; undefined: the one on the PATH
 * @returns undefined if ffmpeg is not there or cannot be executed, or has no ffprobe beside it
 */
export function findFfmpeg(named?: string): FfmpegPrograms | undefined {
  const ffmpeg = named === undefined ? Bun.which("ffmpeg") : resolve(named);
  if (ffmpeg === null || !isExecutable(ffmpeg)) return undefined;
  // The path may be a link into the folder of the installation.
  for (const folder of [dirname(ffmpeg), dirname(realpathSync(ffmpeg))]) {
    const ffprobe = Bun.which("ffprobe", { PATH: folder });
    if (ffprobe !== null) return { ffmpeg, ffprobe: resolve(ffprobe) };
  }
  return undefined;
}

export const ffmpegExpected =
  "off, or the path of an ffmpeg program that this user can execute, with ffprobe in the same folder";

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
