import { mediaTypes, typeOfName, type MediaType } from "../media-types.ts";

/** Maximum length of a display name in bytes of UTF-8. */
const maxBytes = 255;

/**
 * Makes the client's file name safe to show and to suggest for saving: removes folders, control characters and
 * characters that change the direction of text, and adds an extension that fits the type.
 * @returns as {@link withExtension}
 */
export function displayName(fileName: string | undefined, type: MediaType): string {
  const cleaned = (fileName ?? "")
    .toWellFormed()
    .replace(/^.*[/\\]/s, "")
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "")
    .trim();
  return withExtension(cleaned, type);
}

/**
 * Gives a name an extension of a media type, so that no system mistakes the saved file for a program or a web page. An
 * extension that fits is kept as written, and one of another media type is replaced. Otherwise the right one is appended.
 * Dots and spaces at the end are removed, because Windows drops them.
 * @returns at most 255 bytes; `upload` plus the extension if nothing else remains of the name
 */
export function withExtension(name: string, type: MediaType): string {
  const kept = withoutTrailingDots(name);
  const dot = kept.lastIndexOf(".");
  const givenType = typeOfName(kept);
  const ending = givenType === type ? kept.slice(dot) : `.${mediaTypes[type].extension}`;
  const stem = withoutTrailingDots(
    cutToBytes(givenType ? kept.slice(0, dot) : kept, maxBytes - ending.length),
  );
  return (stem === "" ? "upload" : stem) + ending;
}

/** Removes dots and spaces at the end in linear time; a regular expression that ends in `$` takes quadratic time. */
function withoutTrailingDots(name: string): string {
  let end = name.length;
  while (end > 0 && /[.\s]/.test(name[end - 1]!)) end -= 1;
  return name.slice(0, end);
}

/** Shortens a text to a number of bytes without splitting a character. */
function cutToBytes(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  let cut = "";
  let length = 0;
  for (const character of text) {
    length += Buffer.byteLength(character);
    if (length > bytes) break;
    cut += character;
  }
  return cut;
}
