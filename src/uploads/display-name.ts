import { mediaTypes, type MediaType } from "../media-types.ts";

/** Bytes of UTF-8 that a display name may have. */
const maxBytes = 255;

/**
 * The client's file name, made safe to show and to suggest for saving: no folders, no control characters, no characters
 * that change the direction of text, at most 255 bytes, and an extension that fits what the file is.
 * @returns see {@link withExtension}
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
 * Gives a name the extension of a media type, so that no system takes the saved file for a program or a web page. An
 * extension that fits stays as it is written; any other one stays too, with the right one after it. Dots and spaces at
 * the end go, because Windows would drop them.
 * @returns at most 255 bytes; `upload` and the extension where the name has nothing else
 */
export function withExtension(name: string, type: MediaType): string {
  const { extension, otherExtensions } = mediaTypes[type];
  const kept = withoutTrailingDots(name);
  const dot = kept.lastIndexOf(".");
  // Of ASCII alone: `toLowerCase` makes an ASCII "k" of the Kelvin sign.
  const given = kept.slice(dot + 1).replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  const fits = dot !== -1 && (given === extension || otherExtensions.some((other) => other === given));
  const ending = fits ? kept.slice(dot) : `.${extension}`;
  const stem = withoutTrailingDots(cutToBytes(fits ? kept.slice(0, dot) : kept, maxBytes - ending.length));
  return (stem === "" ? "upload" : stem) + ending;
}

/** Spaces at the end go too. In linear time, which an expression that ends in `$` does not take. */
function withoutTrailingDots(name: string): string {
  let end = name.length;
  while (end > 0 && /[.\s]/.test(name[end - 1]!)) end -= 1;
  return name.slice(0, end);
}

/** Cuts between characters. */
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
