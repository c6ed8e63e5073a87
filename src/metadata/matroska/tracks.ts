import { childElements, floatValue, unsignedValue, type ElementSource, type SizedElement } from "./ebml.ts";
import { ids } from "./ids.ts";
import { stretched, type MediaFacts } from "../plan.ts";
import { isPlayableAv1, isPlayableVp9 } from "../playable-codecs.ts";
import type { NalCoding } from "../coded-pictures/sei.ts";

const types = { video: 1, audio: 2 } as const;

export interface MatroskaTrack {
  /** The number that blocks use. */
  readonly number: number;
  /**
   * Whether it holds pictures or sound. Other tracks are removed: drones write positions into subtitles, and some
   * programs write folder names into the headers of subtitles.
   */
  readonly isKept: boolean;
  readonly isVideo: boolean;
  /** Size of a video in pixels as shown; null if unknown. */
  readonly size: MediaFacts["size"];
  readonly codedPixels: number;
  /** Defined for H.264 and HEVC. */
  readonly nal: NalCoding | undefined;
  readonly codecId: string;
  /** The FourCC of a Video for Windows codec; empty for other codecs. */
  readonly fourCc: string;
  /** Whether additions to its blocks hold an alpha channel. */
  readonly hasAlpha: boolean;
  /** Whether its blocks are compressed or encrypted. */
  readonly isEncoded: boolean;
  /** Whether all current browsers decode it in WebM. */
  readonly isPlayable: boolean;
  /** Duration of a block that does not state its own, in seconds; 0 if unknown. */
  readonly blockSeconds: number;
}

/** Reads the entries of `Tracks`. @throws ApiError DAMAGED_MEDIA */
export function readTracks(source: ElementSource, from: number, to: number): MatroskaTrack[] {
  const tracks: MatroskaTrack[] = [];
  for (const entry of childElements(source, from, to)) {
    if (entry.id !== ids.trackEntry) continue;
    const parts = new Map<number, SizedElement>();
    for (const part of childElements(source, entry.body, entry.end)) parts.set(part.id, part);
    const number = contentOf(source, parts.get(ids.trackNumber));
    const type = unsignedValue(contentOf(source, parts.get(ids.trackType)));
    const isVideo = type === types.video;
    const video = isVideo ? parts.get(ids.video) : undefined;
    const codecId = contentOf(source, parts.get(ids.codecId)).toString("latin1").replace(/\0.*/s, "");
    const codecPrivate = contentOf(source, parts.get(ids.codecPrivate));
    const isEncoded = parts.has(ids.contentEncodings);
    tracks.push({
      number: number.length > 0 ? unsignedValue(number) : tracks.length + 1,
      isKept: type === types.video || type === types.audio,
      isVideo,
      ...(video ? readVideo(source, video) : { size: null, codedPixels: 0, hasAlpha: false }),
      codecId,
      nal: nalCoding(codecId, codecPrivate),
      fourCc: codecId === "V_MS/VFW/FOURCC" ? codecPrivate.toString("latin1", 16, 20) : "",
      isEncoded,
      isPlayable: !isEncoded && isPlayableCodec(codecId, codecPrivate),
      blockSeconds: unsignedValue(contentOf(source, parts.get(ids.defaultDuration))) / 1e9,
    });
  }
  return tracks;
}

/** Whether all current browsers decode a codec in WebM. */
function isPlayableCodec(codecId: string, codecPrivate: Buffer): boolean {
  if (codecId === "V_AV1") return isPlayableAv1(codecPrivate);
  // A list of features, each with an ID and a length of one byte; the first is the profile (ID 1).
  if (codecId === "V_VP9") return isPlayableVp9(codecPrivate[0] === 1 ? codecPrivate[2] : undefined);
  return ["V_VP8", "A_OPUS", "A_VORBIS"].includes(codecId);
}

const maxPrivateBytes = 64 * 1024;

function contentOf(source: ElementSource, element: SizedElement | undefined): Buffer {
  if (!element) return Buffer.alloc(0);
  // A copy, because the bytes are valid until the next read only.
  return Buffer.from(source.readUpTo(element.body, Math.min(element.end - element.body, maxPrivateBytes)));
}

function nalCoding(codecId: string, codecPrivate: Buffer): NalCoding | undefined {
  const lengthAt = { "V_MPEG4/ISO/AVC": 4, "V_MPEGH/ISO/HEVC": 21 }[codecId];
  if (lengthAt === undefined) return undefined;
  // Without a configuration record, start codes separate the units.
  const bits = codecPrivate[lengthAt];
  return { isHevc: lengthAt === 21, lengthBytes: bits === undefined ? 0 : (bits & 3) + 1 };
}

const pixels = {
  width: 0xb0,
  height: 0xba,
  top: 0x54bb,
  bottom: 0x54aa,
  left: 0x54cc,
  right: 0x54dd,
} as const;
const display = { width: 0x54b0, height: 0x54ba, unit: 0x54b2 } as const;
const projection = { all: 0x7670, roll: 0x7675 } as const;
/** DisplayUnit for an unknown aspect ratio. The others (pixels, centimetres, inches, ratio) imply one. */
const unknownUnit = 4;

/**
 * Reads the size as shown: cropped, stretched and rotated (RFC 9559 sections 5.1.4.1.28.6 ff. and 11.1). Like in Chromium,
 * the display size gives the aspect ratio only, whatever its unit: many muxers write a ratio as pixels.
 */
function readVideo(
  source: ElementSource,
  video: SizedElement,
): Pick<MatroskaTrack, "size" | "codedPixels" | "hasAlpha"> {
  const values = new Map<number, number>();
  let roll = 0;
  for (const part of childElements(source, video.body, video.end)) {
    values.set(part.id, unsignedValue(contentOf(source, part)));
    if (part.id === projection.all)
      for (const inner of childElements(source, part.body, part.end))
        if (inner.id === projection.roll) roll = floatValue(contentOf(source, inner));
  }
  const value = (id: number) => values.get(id) ?? 0;
  const [codedWidth, codedHeight] = [value(pixels.width), value(pixels.height)];
  const width = codedWidth - value(pixels.left) - value(pixels.right);
  const height = codedHeight - value(pixels.top) - value(pixels.bottom);
  const codedPixels = codedWidth * codedHeight;
  const hasAlpha = value(ids.alphaMode) === 1;
  if (width <= 0 || height <= 0) return { size: null, codedPixels, hasAlpha };

  const [shownWidth, shownHeight] = [value(display.width) || width, value(display.height) || height];
  const hasRatio = value(display.unit) < unknownUnit;
  const shown = stretched({ width, height }, hasRatio ? (shownWidth * height) / (shownHeight * width) : 1);
  const size = { width: Math.round(shown.width), height: Math.round(shown.height) };
  const isSideways = Math.round(Math.abs(roll)) % 180 === 90;
  return { size: isSideways ? { width: size.height, height: size.width } : size, codedPixels, hasAlpha };
}
