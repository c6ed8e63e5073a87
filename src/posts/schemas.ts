import { FormatRegistry } from "@sinclair/typebox";
import { t } from "elysia";

import { maxCaptionLength } from "../limits.ts";

const length = (text: string) => [...text].length;

FormatRegistry.Set(
  "caption",
  // Counting code points costs; what is far too long needs none.
  (text) => text.length <= 2 * maxCaptionLength && length(text) <= maxCaptionLength && !text.includes("\0"),
);

/** Any text, kept as it is. No NUL: not every database can hold one. */
const captionField = t.String({
  format: "caption",
  documented: { type: "string", maxLength: maxCaptionLength },
  description: "A text to show with the post.",
  examples: ["First snow"],
  problem: (value: unknown) => {
    if (typeof value !== "string") return { type: "string_type", msg: "Input should be a valid string" };
    return value.includes("\0")
      ? { type: "value_error", msg: "Value error, a caption has no NUL characters" }
      : { type: "string_too_long", msg: `String should have at most ${maxCaptionLength} characters` };
  },
});

export const uploadBody = t.Object({
  file: t.File({ description: "An image or a video." }),
  caption: t.Optional(captionField),
});
