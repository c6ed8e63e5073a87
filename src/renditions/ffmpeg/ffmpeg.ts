import { appendFile, rm, stat } from "node:fs/promises";

import type { FfmpegPrograms } from "../../config/ffmpeg-programs.ts";
import { runLimited, type ProgramLimits } from "../../concurrency/limited-program.ts";
import { diskFailure } from "../../disk-errors.ts";
import type { ApiError } from "../../errors.ts";
import { failureOf, VideoError } from "./video-error.ts";
import { limitsOf } from "./limits.ts";

/** The capabilities of this machine's ffmpeg. */
export interface Capabilities {
  /** As it names itself, such as `5.1.9`. */
  readonly version: string;
  /** Undefined: it cannot make MP4 renditions. */
  readonly h264Encoder: H264Encoder | undefined;
  readonly canToneMap: boolean;
  /** The option that keeps the timestamps of frames, which depends on the version. */
  readonly variableFrameRate: readonly [option: string, value: string];
}

const h264Encoders = ["libx264", "libopenh264"] as const;
export type H264Encoder = (typeof h264Encoders)[number];

/**
 * Asks ffmpeg for its capabilities.
 * @throws VideoError `interrupted` if it cannot be run or does not answer: no video is at fault
 */
export async function readCapabilities(
  { ffmpeg }: FfmpegPrograms,
  signal: AbortSignal,
): Promise<Capabilities> {
  const ask = async (...question: string[]) => {
    const result = await runLimited([ffmpeg, "-nostdin", ...question], limitsOf.reading, signal);
    const failure = failureOf(result);
    if (failure) throw new VideoError("interrupted", failure.detail);
    return result.output ?? "";
  };
  const version = await ask("-version");
  if (!version.startsWith("ffmpeg version ")) throw new VideoError("interrupted", "it is not ffmpeg");
  const encoders = namesIn(await ask("-hide_banner", "-encoders"));
  const filters = namesIn(await ask("-hide_banner", "-filters"));
  const help = await ask("-hide_banner", "-h", "long");
  return {
    version: /^ffmpeg version n?(\d[\d.]*|\S{1,40})/.exec(version)?.[1] ?? "unknown",
    h264Encoder: h264Encoders.find((name) => encoders.has(name)),
    canToneMap: filters.has("zscale") && filters.has("tonemap"),
    variableFrameRate: /^-fps_mode\b/m.test(help) ? ["-fps_mode", "vfr"] : ["-vsync", "vfr"],
  };
}

/** The second column of a list that ffmpeg prints. */
const namesIn = (list: string) => new Set([...list.matchAll(/^ *[A-Z.|]+ +(\S+)/gm)].map(([, name]) => name));

/** Options of every command: no questions, errors only, and not all cores for one video. */
const common = ["-nostdin", "-hide_banner", "-loglevel", "error", "-y", "-filter_threads", "1"];
const threads = ["-threads", "2"];

/** Options that leave out everything but pictures and sound: tags, chapters, dates and the name of this program. */
export const withoutMetadata = [
  ...["-map_metadata", "-1", "-map_metadata:s", "-1", "-map_chapters", "-1", "-sn", "-dn"],
  ...["-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact"],
];

/**
 * Runs ffmpeg, which writes one file. If that fails, the file does not exist.
 * @param input options with the input
 * @param options options of the output
 * @param output absolute path; a file there is replaced
 * @throws VideoError; ApiError STORAGE_FULL; the signal's reason
 */
export async function convert(
  { ffmpeg }: FfmpegPrograms,
  { input, options, output }: { input: readonly string[]; options: readonly string[]; output: string },
  limits: ProgramLimits,
  signal: AbortSignal,
): Promise<void> {
  try {
    const command = [ffmpeg, ...common, ...threads, ...input, ...options, ...threads, `file:${output}`];
    const failure = failureOf(await runLimited(command, limits, signal));
    if (failure) throw failure;
    const bytes = await stat(output).then(
      ({ size }) => size,
      () => 0,
    );
    if (bytes === 0) throw new VideoError("damaged", "no output");
  } catch (error) {
    const full = error instanceof VideoError && error.isTemporary ? await writeFailure(output) : undefined;
    await rm(output, { force: true });
    throw full ?? error;
  }
}

/** More than ffmpeg writes at once. */
const probeBytes = 1024 ** 2;

/**
 * Writes to a file once more, and returns the error if that fails. The messages of ffmpeg cannot show that the disk is full,
 * because they may quote the video.
 */
const writeFailure = (path: string): Promise<ApiError | undefined> =>
  appendFile(path, new Uint8Array(probeBytes)).then(() => undefined, diskFailure);
