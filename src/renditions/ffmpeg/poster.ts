import type { FfmpegPrograms } from "../../config/ffmpeg-programs.ts";
import { panoramaLongSide } from "../../limits.ts";
import type { Size } from "../sizes.ts";
import { convert, withoutMetadata, type Capabilities } from "./ffmpeg.ts";
import { VideoError } from "./video-error.ts";
import { readStreams, type Streams } from "./streams.ts";
import { inputOptions, type VideoFile } from "./video-file.ts";
import { limitsOf } from "./limits.ts";
import { dropFramesWithin, pictureFilters, shownSize } from "./picture-filters.ts";

/** Where the search for a frame begins: videos open with black or a logo. */
const maxStartSeconds = 1;

/** The frames among which the most typical is chosen: one in each quarter of a second, for six seconds. */
const candidates = 24;
const secondsBetween = 0.25;

/** Average luma from 16 to 235 below which a frame counts as black. */
const blackLuma = 24;

/**
 * Makes the poster of a video: a PNG of one frame, upright, with square pixels, in sRGB, at most as large as the thumbnail
 * of a panorama, never enlarged. Prefers a typical frame near the beginning that is not black, and otherwise takes the
 * first.
 * @param output absolute path of the PNG; it does not exist if this fails
 * @returns the size of the PNG in pixels
 * @throws VideoError; the signal's reason
 */
export async function makePoster(
  programs: FfmpegPrograms,
  { canToneMap }: Capabilities,
  file: VideoFile,
  output: string,
  signal: AbortSignal,
): Promise<Size> {
  const streams = await readStreams(programs, file, signal);
  const size = shownSize(streams.video, panoramaLongSide, panoramaLongSide, 1);
  const input = await inputOptions(file);
  const take = (seek: readonly string[], choice: FrameChoice) => {
    const options = posterOptions(streams, size, canToneMap, choice);
    return convert(programs, { input: [...seek, ...input], options, output }, limitsOf.poster, signal);
  };
  try {
    const start = Math.min(maxStartSeconds, (streams.durationSeconds ?? 0) / 10);
    await take(["-ss", start.toFixed(3), "-t", String(candidates * secondsBetween)], typicalFrame);
  } catch (error) {
    if (!(error instanceof VideoError) || error.isTemporary) throw error;
    await take([], firstFrame);
  }
  return size;
}

/** Filters before and after the frames are scaled. */
interface FrameChoice {
  readonly before: readonly string[];
  readonly after: readonly string[];
}

const typicalFrame: FrameChoice = {
  before: [dropFramesWithin(secondsBetween)],
  after: [
    "signalstats",
    `metadata=mode=select:key=lavfi.signalstats.YAVG:function=greater:value=${blackLuma}`,
    `thumbnail=n=${candidates}`,
  ],
};

const firstFrame: FrameChoice = { before: [], after: [] };

const posterOptions = (
  { video }: Streams,
  size: Size,
  canToneMap: boolean,
  { before, after }: FrameChoice,
): string[] => {
  const filters = [
    ...before,
    ...pictureFilters(video, size, canToneMap, "yuv444p"),
    ...after,
    "format=rgb24",
  ].join(",");
  return [
    ...["-map", `0:${video.index}`, "-an", ...withoutMetadata],
    ...["-vf", filters, "-frames:v", "1", "-c:v", "png", "-f", "image2pipe"],
  ];
};
