import { isDv, overwriteDvDates } from "./dv.ts";
import type { InPlaceFile } from "../in-place-file.ts";
import { isJpeg, overwriteJpegComments } from "./motion-jpeg.ts";
import { overwriteUserData } from "./nal-units.ts";
import { isPng, overwritePngTexts } from "../png/video.ts";
import type { NalCoding } from "./sei.ts";

/** Overwrites personal data in a coded picture from `offset` to `end`. The decoded picture stays the same. */
export type PictureOverwriter = (file: InPlaceFile, offset: number, end: number) => void;

/**
 * Returns the overwriter for the pictures of a track; undefined for codecs that cannot hold personal data, and for
 * those that are left unchanged (MPEG-2, MPEG-4 Visual, AV1).
 * @param first the first bytes of the track's first picture
 * @param nal the coding, if the container declares H.264 or HEVC
 * @param codec the name of the codec in its container: a FourCC, or Matroska's codec ID
 */
export function pictureOverwriter(
  first: Buffer,
  nal: NalCoding | undefined,
  codec = "",
): PictureOverwriter | undefined {
  if (nal) return (file, offset, end) => overwriteUserData(file, offset, end, nal);
  if (isJpeg(first) || motionJpeg.has(codec.toUpperCase())) return overwriteJpegComments;
  if (isPng(first)) return overwritePngTexts;
  return isDv(first) ? overwriteDvDates : undefined;
}

/** Bytes of a picture that are enough to recognise its coding. */
export const pictureHeadBytes = 4;

/** Codecs whose pictures are JPEGs, even if other bytes precede them. */
const motionJpeg = new Set([
  ...["MJPG", "JPEG", "AVRN", "IJPG", "CJPG", "SLMJ", "QIVG", "AVI1", "AVI2", "DMB1", "MTSJ"],
  ...["IJLV", "MVJP", "V_MJPEG"],
]);
const h264 = new Set(["H264", "X264", "AVC1", "DAVC", "VSSH"]);
const hevc = new Set(["HEVC", "H265", "X265", "HEV1", "HVC1"]);

/**
 * Returns the coding of a Video for Windows codec if it is H.264 or HEVC with start codes.
 * @param codec its FourCC
 * @param first the first bytes of a picture
 */
export function startCodeCoding(codec: string, first: Buffer): NalCoding | undefined {
  const name = codec.toUpperCase();
  const isStartCode = first.length >= 3 && first.readUIntBE(0, 3) <= 1;
  return isStartCode && (h264.has(name) || hevc.has(name))
    ? { isHevc: hevc.has(name), lengthBytes: 0 }
    : undefined;
}
