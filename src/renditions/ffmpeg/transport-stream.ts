import { stat } from "node:fs/promises";

import type { FfmpegPrograms } from "../../config/ffmpeg-programs.ts";
import { VideoError } from "./video-error.ts";
import { readStreams } from "./streams.ts";
import type { VideoFile } from "./video-file.ts";
import { copyLimits, limitsOf } from "./limits.ts";
import { writeMp4, type Mp4Facts } from "./mp4-file.ts";

/** Codecs that an MP4 may contain, by ffmpeg's names. */
const videoCodecs = ["h264", "hevc", "mpeg2video"];
const audioCodecs = ["aac", "ac3", "eac3", "mp2", "mp3"];

/**
 * Copies the pictures and the sound of a transport stream (MTS, M2TS, TS) into an MP4, unchanged: of the first program,
 * the first stream of each. SEI messages stay; the metadata remover for MP4 deals with them.
 * @param path absolute path
 * @param output absolute path of the MP4; it does not exist if this fails
 * @returns facts about the MP4
 * @throws VideoError `unsupported` if an MP4 cannot contain a codec, so that the video must be transcoded; the signal's
 * reason
 */
export async function rewrapTransportStream(
  programs: FfmpegPrograms,
  path: string,
  output: string,
  signal: AbortSignal,
): Promise<Mp4Facts> {
  const file: VideoFile = { path, type: "video/mp2t" };
  const streams = await readStreams(programs, file, signal, limitsOf.readingUpload);
  const { video, audio } = streams;
  if (!videoCodecs.includes(video.codec)) throw new VideoError("unsupported", `video in ${video.codec}`);
  if (audio && !audioCodecs.includes(audio.codec))
    throw new VideoError("unsupported", `audio in ${audio.codec}`);
  const codecs = [
    ...["-c", "copy"],
    // The only tag that Apple's players accept.
    ...(video.codec === "hevc" ? ["-tag:v", "hvc1"] : []),
    ...(audio?.codec === "aac" ? ["-bsf:a", "aac_adtstoasc"] : []),
  ];
  const limits = { writing: copyLimits((await stat(path)).size), reading: limitsOf.readingUpload };
  return writeMp4(programs, file, streams, { codecs, output, limits }, signal);
}
