import type { Problem } from "../errors.ts";
import { isWellFormedText } from "./well-formed-text.ts";

/** Limits of a text, in code points. */
export interface TextLimits {
  readonly min?: number;
  readonly max: number;
}

/** Whether any text of this length can be kept as it is: see {@link isWellFormedText}. */
export function isAcceptableText(text: string, { min = 0, max }: TextLimits): boolean {
  // Counting code points is slow; texts that are far too long are rejected without it.
  const isTooLong = text.length > 2 * max || [...text].length > max;
  return text.length >= min && !isTooLong && isWellFormedText(text);
}

/**
 * Says why a text cannot be accepted.
 * @param name with its article
 * @returns undefined for a text that can be
 */
export function textProblem(
  name: string,
  value: unknown,
  { min = 0, max }: TextLimits,
): Pick<Problem, "type" | "msg"> | undefined {
  if (typeof value !== "string") return { type: "string_type", msg: "Input should be a valid string" };
  if (isAcceptableText(value, { min, max })) return undefined;
  if (value.includes("\0"))
    return { type: "value_error", msg: `Value error, ${name} must not contain NUL characters` };
  if (!value.isWellFormed())
    return { type: "value_error", msg: "Value error, the text is not well-formed Unicode" };
  return value.length < min
    ? { type: "string_too_short", msg: `String should have at least ${min} character` }
    : { type: "string_too_long", msg: `String should have at most ${max} characters` };
}
