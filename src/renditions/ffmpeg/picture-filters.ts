import type { Size } from "../sizes.ts";
import type { VideoStream } from "./streams.ts";

/**
 * Returns the size at which to show a video: upright, with square pixels, and never enlarged beyond that.
 * @param step both sides are multiples of it, rounded down
 */
export function shownSize(video: VideoStream, maxLongSide: number, maxShortSide: number, step: 1 | 2): Size {
  const [across, down] = [video.width * video.pixelAspect, video.height];
  const isUpended = video.rotation === 90 || video.rotation === 270;
  const [width, height] = isUpended ? [down, across] : [across, down];
  const scale = Math.min(1, maxLongSide / Math.max(width, height), maxShortSide / Math.min(width, height));
  // A side of 1920 must not become 1918 for the rounding of a division.
  const side = (length: number) => Math.max(step, Math.floor((length * scale + 1e-6) / step) * step);
  return { width: side(width), height: side(height) };
}

const isPq = ({ transfer }: VideoStream) => transfer === "smpte2084";
const isHlg = ({ transfer }: VideoStream) => transfer === "arib-std-b67";

/** A filter that drops each frame that follows the last kept one within this time. */
export const dropFramesWithin = (seconds: number): string =>
  `select='isnan(prev_selected_t)+gte(t-prev_selected_t,${seconds})'`;

/** Whether the video has a high dynamic range, which posters and MP4 renditions must not have. */
export const isHdr = (video: VideoStream): boolean => isPq(video) || isHlg(video);

/** Players assume the matrix of BT.709 for videos of at least this height that do not name theirs. */
const minHdHeight = 720;

/**
 * Filters that make frames upright (which ffmpeg does by itself), progressive, of the given size with square pixels, and
 * in the standard dynamic range, in BT.709 if they had another one or were not in Y′CbCr.
 * @param pixelFormat ffmpeg's name of a Y′CbCr format with 8 bits
 */
export function pictureFilters(
  video: VideoStream,
  { width, height }: Size,
  canToneMap: boolean,
  pixelFormat: "yuv420p" | "yuv444p",
): string[] {
  const deinterlace = "yadif=mode=send_frame:deint=interlaced";
  const square = "setsar=1";
  if (isHdr(video) && canToneMap)
    return [deinterlace, `scale=${width}:${height}`, square, ...toneMapping(video), `format=${pixelFormat}`];
  const isYuv = video.pixelFormat.startsWith("yuv");
  const matrices = isHdr(video)
    ? ":in_color_matrix=bt2020:out_color_matrix=bt709"
    : isYuv
      ? ""
      : ":out_color_matrix=bt709";
  const isUnnamed = video.matrix === undefined && video.height >= minHdHeight;
  return [
    deinterlace,
    `scale=${width}:${height}:out_range=tv${matrices}`,
    square,
    `format=${pixelFormat}`,
    ...(isHdr(video) || !isYuv ? ["setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709"] : []),
    ...(isYuv && isUnnamed ? ["setparams=colorspace=bt709"] : []),
  ];
}

/** The luminance of reference white in nits (ITU-R BT.2408), which becomes white short of the highlights. */
const referenceWhite = 203;

/**
 * Maps PQ and HLG to BT.709 in linear light, after frames were scaled down, because linear pixels take 12 bytes. A matrix
 * or primaries that the video does not name are taken to be those of BT.2100, because zscale needs both.
 */
function toneMapping(video: VideoStream): string[] {
  const given = [
    ...(video.matrix === undefined ? ["min=bt2020nc"] : []),
    ...(video.primaries === undefined ? ["pin=bt2020"] : []),
  ].map((option) => `:${option}`);
  return [
    `zscale=t=linear:npl=${referenceWhite}${given.join("")}`,
    "format=gbrpf32le",
    "zscale=p=bt709",
    "tonemap=tonemap=mobius",
    "zscale=t=bt709:m=bt709:r=tv",
  ];
}
