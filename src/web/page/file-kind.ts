import { kindOfName, type MediaKind } from "../../media-types.ts";

/** Bytes at the start of a file that {@link isMedia} needs. */
export const inspectedBytes = 200;

/**
 * Starts of JPEG, PNG, GIF, WebP and AVI; of the ISO and QuickTime files; of Matroska and WebM; of MPEG program, video and
 * transport streams. Each byte is one character.
 */
const starts =
  /^(\xff\xd8\xff|\x89PNG|GIF|RIFF|.{4}(ftyp|moov|mdat|wide|free|skip|pnot|uuid|junk|PICT|udta)|\x1aE\xdf\xa3|\0\0\x01|G.{187}G|.{4}G.{191}G)/s;

/**
 * Whether a file may be an image or a video that the service accepts, by its first bytes. The service looks closer; what it
 * accepts is never refused here.
 */
export const isMedia = (bytes: Uint8Array): boolean =>
  starts.test(String.fromCharCode(...bytes.subarray(0, inspectedBytes)));

/** Returns whether a file is an image or a video, by its MIME type or the ending of its name; undefined if unknown. */
export function kindOf({ name, type }: Pick<File, "name" | "type">): MediaKind | undefined {
  const [declared] = type.split("/");
  return declared === "image" || declared === "video" ? declared : kindOfName(name);
}
