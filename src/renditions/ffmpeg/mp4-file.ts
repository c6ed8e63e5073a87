import { rm } from "node:fs/promises";

import type { FfmpegPrograms } from "../../config/ffmpeg-programs.ts";
import type { ProgramLimits } from "../../concurrency/limited-program.ts";
import { convert, withoutMetadata } from "./ffmpeg.ts";
import { VideoError } from "./video-error.ts";
import { readStreams, type Streams } from "./streams.ts";
import { inputOptions, type VideoFile } from "./video-file.ts";
import { shownSize } from "./picture-filters.ts";

/** An MP4 that a conversion has written. */
export interface Mp4Facts {
  /** In pixels, as shown. */
  readonly width: number;
  readonly height: number;
  readonly durationSeconds: number | undefined;
  readonly hasAudio: boolean;
}

/** What to write, and the limits of writing it and of reading it again. */
interface Mp4Output {
  /** Options that say how each stream is encoded or copied. */
  readonly codecs: readonly string[];
  /** Absolute path of the MP4; it does not exist if writing fails. */
  readonly output: string;
  readonly limits: { readonly writing: ProgramLimits; readonly reading: ProgramLimits };
}

/** The index comes first, so that playback can start early. An output without frames is a failure. */
const containerOptions = ["-movflags", "+faststart", "-abort_on", "empty_output", "-f", "mp4"];

/**
 * Writes the picture and the sound of a video into an MP4 without metadata.
 * @returns facts about the MP4
 * @throws VideoError; the signal's reason
 */
export async function writeMp4(
  programs: FfmpegPrograms,
  file: VideoFile,
  { video, audio }: Streams,
  { codecs, output, limits }: Mp4Output,
  signal: AbortSignal,
): Promise<Mp4Facts> {
  const options = [
    ...["-map", `0:${video.index}`, ...(audio ? ["-map", `0:${audio.index}`] : [])],
    ...[...withoutMetadata, ...codecs, ...containerOptions],
  ];
  const input = ["-fflags", "+genpts", ...(await inputOptions(file))];
  await convert(programs, { input, options, output }, limits.writing, signal);
  return verified(programs, output, limits.reading, signal);
}

/**
 * Checks that the output of a conversion has frames: ffmpeg succeeds with sound alone if it could decode none.
 * @throws VideoError, after the file has been removed; the signal's reason
 */
async function verified(
  programs: FfmpegPrograms,
  path: string,
  limits: ProgramLimits,
  signal: AbortSignal,
): Promise<Mp4Facts> {
  try {
    const file: VideoFile = { path, type: "video/mp4" };
    const { video, audio, durationSeconds } = await readStreams(programs, file, signal, limits);
    if (video.frames === undefined) throw new VideoError("damaged", "no frame could be decoded");
    const { width, height } = shownSize(video, Infinity, Infinity, 1);
    return { width, height, durationSeconds, hasAudio: audio !== undefined };
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}
