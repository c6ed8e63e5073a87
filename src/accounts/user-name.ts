import type { Problem } from "../errors.ts";
import { maxNameLength } from "../limits.ts";

/** Control characters, line breaks, and characters that change the direction of the text around the name. */
const forbidden = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;
/** Without letters and symbols that look like nothing, such as U+3164, the Hangul filler, and U+2800, the empty Braille pattern. */
const visible = /(?![\p{Default_Ignorable_Code_Point}\u2800])[\p{L}\p{N}\p{P}\p{S}]/u;

/**
 * Parses a display name and trims it.
 * @returns the name in Unicode normalization form C, or the problem in pydantic's words
 */
export function parseName(text: string): string | Pick<Problem, "type" | "msg"> {
  const tooLong = {
    type: "string_too_long",
    msg: `String should have at most ${maxNameLength} characters`,
  } as const;
  // Normalizing and counting code points costs time, so a far too long text is rejected first.
  if (text.length > 20 * maxNameLength) return tooLong;
  const name = text.trim().normalize("NFC");
  if ([...name].length > maxNameLength) return tooLong;
  if (!name.isWellFormed() || forbidden.test(name))
    return {
      type: "value_error",
      msg: "Value error, a name has no control characters and is well-formed Unicode",
    };
  if (!visible.test(name))
    return { type: "string_too_short", msg: "String should have at least 1 character" };
  return name;
}
