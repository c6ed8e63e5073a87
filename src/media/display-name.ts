import type { MediaType } from "./types.ts";
import { mediaTypes } from "./types.ts";

/** Bytes of UTF-8 that a display name may have. */
const longestName = 255;

/**
 * The client's file name, good for showing and for nothing else: without folders, control characters and characters
 * that turn the direction of text, cut to 255 bytes, `upload.<extension>` where nothing is left.
 */
export function displayName(fileName: string | undefined, type: MediaType): string {
  const cleaned = (fileName ?? "")
    .toWellFormed()
    .replace(/^.*[/\\]/s, "")
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "")
    .trim();
  const name = cutToBytes(cleaned, longestName);
  return /^\.*$/.test(name) ? `upload.${mediaTypes[type].extension}` : name;
}

/** Cut before a character, keeping a short extension. */
function cutToBytes(name: string, bytes: number): string {
  if (Buffer.byteLength(name) <= bytes) return name;
  const extension = /\.[a-z0-9]{1,8}$/i.exec(name)?.[0] ?? "";
  let cut = "";
  let length = Buffer.byteLength(extension);
  for (const character of name) {
    length += Buffer.byteLength(character);
    if (length > bytes) break;
    cut += character;
  }
  return cut.trimEnd() + extension;
}
