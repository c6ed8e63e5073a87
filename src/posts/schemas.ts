import { FormatRegistry, type Static } from "@sinclair/typebox";
import { t } from "elysia";

import { isAcceptableText, textProblem } from "../http/text-problem.ts";
import { maxAltLength, maxCaptionLength, maxReasonLength, maxThumbnailBytes } from "../limits.ts";
import { exampleIds, nextCursor, nullable, schemaRef, uuid } from "../openapi/schemas.ts";
import { postSchema, type PostRead } from "./post-read.ts";

/**
 * Any text of `min` to `max` code points, kept as it is. No lone surrogate, which the database would replace, and no NUL,
 * which PostgreSQL cannot store.
 * @param name with its article, for error messages
 */
function textField(
  name: string,
  { min = 0, max, ...about }: { min?: number; max: number; description: string; examples: string[] },
) {
  // TypeBox knows custom checks only by their names in this registry, which the whole process shares.
  FormatRegistry.Set(name, (text) => isAcceptableText(text, { min, max }));
  return t.String({
    format: name,
    ...about,
    documented: { type: "string", ...(min > 0 && { minLength: min }), maxLength: max },
    problem: (value: unknown) => textProblem(name, value, { min, max }),
  });
}

const caption = t.Optional(
  textField("a caption", {
    max: maxCaptionLength,
    description: "A text to show with the post.",
    examples: ["First snow"],
  }),
);
const alt = t.Optional(
  textField("an alternative text", {
    max: maxAltLength,
    description: "Describes the picture to people who cannot see it.",
    examples: ["A snow-covered bench in front of a frozen lake"],
  }),
);

export const uploadBody = t.Object({
  file: t.File({ description: "An image or a video." }),
  thumbnail: t.Optional(
    t.File({
      description:
        "An image to show as the poster of a video, or as the preview of an image that the service cannot decode. At most " +
        `${maxThumbnailBytes / 1024 ** 2} MB.`,
    }),
  ),
  caption,
  alt,
});

/** The body of `PATCH /posts/{post_id}`. */
export const editPostBody = t.Object({ caption, alt });

/** The body of `POST /posts/{post_id}/reports`. */
export const reportBody = t.Object({
  reason: textField("a reason", {
    min: 1,
    max: maxReasonLength,
    description: "Why superusers should look at the post.",
    examples: ["This is my photo, posted without my permission."],
  }),
});

export const feedPageSchema = t.Object(
  { posts: t.Array(t.Unsafe<PostRead>(schemaRef(postSchema))), next_cursor: nextCursor },
  { $id: "FeedPage" },
);

export type FeedPageRead = Static<typeof feedPageSchema>;

/** The response to a deletion. */
export const postDeleted = { success: true, message: "Post deleted successfully" } as const;

export const postDeletedSchema = t.Object(
  { success: t.Literal(postDeleted.success), message: t.Literal(postDeleted.message) },
  { $id: "PostDeleted" },
);

const reportSchema = t.Object({
  id: uuid(exampleIds.report, "Never changes."),
  post: t.Unsafe<PostRead>(schemaRef(postSchema)),
  reason: t.String({ examples: ["This is my photo, posted without my permission."] }),
  reporter: t.Object({
    id: uuid(exampleIds.user, "The id of the user who reported the post."),
    name: nullable(t.String({ description: "The display name; null if there is none.", examples: ["Ada"] })),
    email: t.String({ description: "The current email address.", examples: ["ada@example.com"] }),
  }),
  created_at: t.String({
    format: "date-time",
    description: "In UTC.",
    examples: ["2026-11-23T11:40:09.027Z"],
  }),
});

export const reportPageSchema = t.Object(
  { reports: t.Array(reportSchema), next_cursor: nextCursor },
  { $id: "ReportPage" },
);

export type ReportPageRead = Static<typeof reportPageSchema>;
