import { FormatRegistry, type Static } from "@sinclair/typebox";
import { t } from "elysia";

import { nullable, schemaRef } from "../openapi/schemas.ts";
import { maxCaptionLength } from "../limits.ts";
import { postSchema, type PostRead } from "./post-read.ts";

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

export const feedPageSchema = t.Object(
  {
    posts: t.Array(t.Unsafe<PostRead>(schemaRef(postSchema))),
    next_cursor: nullable(
      t.String({
        description: "Pass it as `cursor` to get the next page; null on the last page.",
        examples: ["MTc5NTQyNTcxNTE4My4wMWEyMDdiYy01ZTZmLTc3NjUtYWIyNi0zNzhhNzE2NWMyNTc"],
      }),
    ),
  },
  { $id: "FeedPage" },
);

export type FeedPageRead = Static<typeof feedPageSchema>;

export const postDeletedSchema = t.Object(
  { success: t.Literal(true), message: t.Literal("Post deleted successfully") },
  { $id: "PostDeleted" },
);
