import { stat } from "node:fs/promises";

import type { FfmpegPrograms } from "../../config/ffmpeg-programs.ts";
import type { Capabilities, H264Encoder } from "./ffmpeg.ts";
import { VideoError } from "./video-error.ts";
import { readStreams, type AudioStream, type VideoStream } from "./streams.ts";
import { demuxerOf, type Demuxer, type VideoFile } from "./video-file.ts";
import { limitsOf, mp4Limits } from "./limits.ts";
import { writeMp4, type Mp4Facts } from "./mp4-file.ts";
import { dropFramesWithin, isHdr, pictureFilters, shownSize } from "./picture-filters.ts";

/** Full HD, in either orientation. */
const maxLongSide = 1920;
const maxShortSide = 1080;

/** Frames a second, with a margin for averages. */
const maxFrameRate = 61;

const maxSampleRate = 48_000;

/**
 * Makes a rendition of a video that every browser plays: MP4 for progressive playback, with H.264 (8 bits, 4:2:0) and
 * stereo AAC, at most Full HD with 60 frames a second, upright, with square pixels, in the standard dynamic range, without
 * metadata. A stream that already complies is copied.
 * @param output absolute path of the MP4; it does not exist if this fails
 * @returns facts about the rendition
 * @throws VideoError `unsupported` also if this ffmpeg has no encoder, `costly` also for a rendition above the limit on its
 * size; the signal's reason
 */
export async function makeMp4(
  programs: FfmpegPrograms,
  capabilities: Capabilities,
  file: VideoFile,
  output: string,
  signal: AbortSignal,
): Promise<Mp4Facts> {
  const streams = await readStreams(programs, file, signal);
  const { video, audio } = streams;
  const codecs = [
    ...(isPlayable(video, await demuxerOf(file)) ? ["-c:v", "copy"] : videoOptions(video, capabilities)),
    ...(audio ? audioOptions(audio) : []),
  ];
  const limits = { writing: mp4Limits((await stat(file.path)).size), reading: limitsOf.reading };
  return writeMp4(programs, file, streams, { codecs, output, limits }, signal);
}

const playableProfiles = ["Constrained Baseline", "Baseline", "Main", "High"];
/** Containers that say when each frame is shown. */
const timedContainers: readonly Demuxer[] = ["mov", "matroska", "mpegts"];

const isPlayable = (video: VideoStream, demuxer: Demuxer) =>
  video.codec === "h264" &&
  timedContainers.includes(demuxer) &&
  playableProfiles.includes(video.profile) &&
  ["yuv420p", "yuvj420p"].includes(video.pixelFormat) &&
  Math.max(video.width, video.height) <= maxLongSide &&
  Math.min(video.width, video.height) <= maxShortSide &&
  video.pixelAspect === 1 &&
  video.framesPerSecond <= maxFrameRate &&
  !video.isTurned &&
  !video.isInterlaced &&
  !isHdr(video);

function videoOptions(video: VideoStream, { h264Encoder, ...capabilities }: Capabilities): string[] {
  if (h264Encoder === undefined) throw new VideoError("unsupported", "this ffmpeg has no encoder for H.264");
  const filters = [
    ...(video.framesPerSecond > maxFrameRate ? [fewerFrames] : []),
    ...pictureFilters(
      video,
      shownSize(video, maxLongSide, maxShortSide, 2),
      capabilities.canToneMap,
      "yuv420p",
    ),
  ].join(",");
  return [
    ...["-vf", filters, ...capabilities.variableFrameRate],
    ...["-c:v", h264Encoder, "-profile:v", "high", ...qualityOf[h264Encoder]],
    // Encoders note their settings in an SEI message.
    ...["-bsf:v", "filter_units=remove_types=6"],
  ];
}

/** Not a constant rate, which would repeat a frame for hours if a timestamp is wrong. */
const fewerFrames = dropFramesWithin(Number((1 / maxFrameRate - 0.0005).toFixed(4)));

/** Constant quality where the encoder offers it, otherwise a bit rate that suits Full HD. */
const qualityOf: Readonly<Record<H264Encoder, readonly string[]>> = {
  libx264: ["-preset", "veryfast", "-crf", "23"],
  libopenh264: ["-b:v", "5M", "-maxrate", "8M"],
};

const audioOptions = ({ codec, channels, sampleRate }: AudioStream): string[] =>
  codec === "aac"
    ? ["-c:a", "copy"]
    : [
        ...["-c:a", "aac", "-b:a", "160k"],
        ...(channels === 1 ? [] : ["-ac", "2"]),
        ...(sampleRate > maxSampleRate ? ["-ar", String(maxSampleRate)] : []),
      ];
