import type { FfmpegPrograms } from "../../config/ffmpeg-programs.ts";
import { runLimited, type ProgramLimits } from "../../concurrency/limited-program.ts";
import { VideoError, failureOf } from "./video-error.ts";
import { inputOptions, type VideoFile } from "./video-file.ts";
import { limitsOf } from "./limits.ts";

/** The streams of a video that conversions use. */
export interface Streams {
  /** Undefined: the file does not say. */
  readonly durationSeconds: number | undefined;
  /** The first stream that is neither a cover nor a set of previews. */
  readonly video: VideoStream;
  readonly audio: AudioStream | undefined;
}

export interface VideoStream {
  readonly index: number;
  /** ffmpeg's name of the codec. */
  readonly codec: string;
  readonly profile: string;
  readonly pixelFormat: string;
  /** As coded: neither turned nor corrected for the shape of pixels. */
  readonly width: number;
  readonly height: number;
  /** Width of a pixel divided by its height. */
  readonly pixelAspect: number;
  /** Degrees clockwise by which players turn it. */
  readonly rotation: 0 | 90 | 180 | 270;
  /** Whether players turn or mirror it. */
  readonly isTurned: boolean;
  readonly isInterlaced: boolean;
  /** Average; 0 if unknown. */
  readonly framesPerSecond: number;
  /** ffmpeg's names; undefined if the video does not say. */
  readonly transfer: string | undefined;
  readonly primaries: string | undefined;
  readonly matrix: string | undefined;
  /** The number of frames, where the file has an index. */
  readonly frames: number | undefined;
}

export interface AudioStream {
  readonly index: number;
  readonly codec: string;
  readonly channels: number;
  readonly sampleRate: number;
}

/** The members of ffprobe's JSON that are read. Each may be missing. */
interface Report {
  readonly programs?: readonly { readonly streams?: readonly { readonly index?: number }[] }[];
  readonly streams?: readonly Stream[];
  readonly format?: { readonly duration?: string };
}

type Stream = Readonly<Partial<Record<StreamField, string | number>>> & {
  readonly disposition?: { readonly attached_pic?: number; readonly timed_thumbnails?: number };
  readonly side_data_list?: readonly { readonly rotation?: number; readonly displaymatrix?: string }[];
};

const streamFields = [
  ...(["index", "codec_type", "codec_name", "profile", "pix_fmt", "width", "height"] as const),
  ...(["sample_aspect_ratio", "field_order", "avg_frame_rate", "nb_frames", "channels"] as const),
  ...(["sample_rate", "color_transfer", "color_primaries", "color_space"] as const),
];
type StreamField = (typeof streamFields)[number];

const entries = [
  "program_stream=index",
  `stream=${streamFields.join(",")}`,
  "stream_disposition=attached_pic,timed_thumbnails",
  "stream_side_data=rotation,displaymatrix",
  "format=duration",
].join(":");

/**
 * Reads the streams of a video with ffprobe. Of a transport stream, the first program with a picture counts.
 * @throws VideoError `unsupported` if there is no picture; the signal's reason
 */
export async function readStreams(
  programs: FfmpegPrograms,
  file: VideoFile,
  signal: AbortSignal,
  limits: ProgramLimits = limitsOf.reading,
): Promise<Streams> {
  const result = await runLimited(
    [
      programs.ffprobe,
      ...["-hide_banner", "-loglevel", "error", "-print_format", "json", "-show_entries", entries],
      ...(await inputOptions(file)),
    ],
    limits,
    signal,
  );
  const failure = failureOf(result);
  if (failure) throw failure;
  const { programs: groups = [], streams = [], format }: Report = parse(result.output);
  const isPicture = ({ codec_type, disposition }: Stream) =>
    codec_type === "video" && !disposition?.attached_pic && !disposition?.timed_thumbnails;
  const members = groups
    .map((group) => streams.filter(({ index }) => group.streams?.some((member) => member.index === index)))
    .find((group) => group.some(isPicture));
  const candidates = members ?? streams;
  const video = candidates.find(isPicture);
  const audio = candidates.find(({ codec_type }) => codec_type === "audio");
  if (!video || !(Number(video.width) > 0 && Number(video.height) > 0))
    throw new VideoError("unsupported", "no picture");
  return {
    durationSeconds: positive(format?.duration),
    video: videoStream(video),
    audio: audio && {
      index: Number(audio.index),
      codec: String(audio.codec_name),
      channels: Number(audio.channels ?? 0),
      sampleRate: Number(audio.sample_rate ?? 0),
    },
  };
}

function parse(output: string | undefined): Report {
  try {
    return JSON.parse(output ?? "") as Report;
  } catch {
    // A video with thousands of streams, or a program that is not ffprobe.
    throw new VideoError("unsupported", "ffprobe's report cannot be read");
  }
}

function videoStream(stream: Stream): VideoStream {
  const sides = stream.side_data_list ?? [];
  const side = sides.find(({ rotation }) => rotation !== undefined);
  // ffprobe counts anticlockwise.
  const quarters = Math.round(-(side?.rotation ?? 0) / 90);
  return {
    index: Number(stream.index),
    codec: String(stream.codec_name),
    profile: String(stream.profile),
    pixelFormat: String(stream.pix_fmt),
    width: Number(stream.width),
    height: Number(stream.height),
    pixelAspect: ratio(stream.sample_aspect_ratio, ":") || 1,
    rotation: ((((quarters % 4) + 4) % 4) * 90) as VideoStream["rotation"],
    isTurned: sides.some(({ displaymatrix }) => displaymatrix !== undefined && !isIdentity(displaymatrix)),
    isInterlaced: !["progressive", "unknown", "undefined"].includes(String(stream.field_order)),
    framesPerSecond: ratio(stream.avg_frame_rate, "/"),
    transfer: known(stream.color_transfer),
    primaries: known(stream.color_primaries),
    matrix: known(stream.color_space),
    frames: positive(stream.nb_frames),
  };
}

const identity = [65_536, 0, 0, 0, 65_536, 0, 0, 0, 1_073_741_824];

/** Whether a display matrix, of which ffprobe prints three numbered rows, changes nothing. */
function isIdentity(text: string): boolean {
  const rows = text.trim().split("\n");
  const values = rows.flatMap((row) => row.replace(/^.*:/, "").trim().split(/\s+/)).map(Number);
  return identity.every((value, i) => values[i] === value);
}

const known = (value: string | number | undefined) =>
  value === undefined || value === "unknown" || value === "reserved" ? undefined : String(value);

const positive = (value: string | number | undefined) => (Number(value) > 0 ? Number(value) : undefined);

/** The value of `16:11` or `30000/1001`; 0 if it is unknown. */
function ratio(value: string | number | undefined, separator: string): number {
  const [over = 0, under = 0] = String(value).split(separator).map(Number);
  return over > 0 && under > 0 ? over / under : 0;
}
