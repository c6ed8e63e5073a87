// TypeBox's own `t`: Elysia's integers also accept text, which is right for queries and wrong for responses.
import { Type as t } from "@sinclair/typebox";

import { apiErrors, problemTypes } from "../errors.ts";

// The bodies of the API's responses. They are not validated while the service runs: the types do that for free, and the
// tests validate every response they get.

const uuid = (example: string, description: string) =>
  t.String({ format: "uuid", description, examples: [example] });
const nullable = <S extends ReturnType<typeof t.String> | ReturnType<typeof t.Integer>>(schema: S) =>
  t.Union([schema, t.Null()]);
const oneOf = (values: readonly string[], options: { description?: string; examples?: string[] } = {}) =>
  t.Unsafe<string>({ type: "string", enum: values, ...options });

const userId = "3f2f9d6a-6d0b-4a53-9d0e-0a5f3a1c7b42";
const postId = "01a207bc-5e6f-7765-ab26-378a7165c257";

export const schemas = {
  UserRead: t.Object({
    id: uuid(userId, "Never changes."),
    // No `format`: the addresses of RFC 6531 fit no validator of `email`.
    email: t.String({ examples: ["ada@example.com"] }),
    is_active: t.Boolean({ description: "Deactivated accounts cannot log in.", examples: [true] }),
    is_superuser: t.Boolean({ description: "Superusers can manage every account.", examples: [false] }),
    is_verified: t.Boolean({
      description: "Whether the user has verified the email address.",
      examples: [false],
    }),
  }),
  BearerToken: t.Object({
    access_token: t.String({
      description: "Valid for one hour.",
      examples: ["eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.ZRrHA1JJJW8opsbCGfG_HACGpVUMN_a9IV7pAx_Zmeo"],
    }),
    token_type: t.Literal("bearer"),
  }),
  Post: t.Object({
    id: uuid(postId, "Never changes."),
    user_id: uuid(userId, "The author's id."),
    caption: t.String({ description: "Empty if the author gave none.", examples: ["First snow"] }),
    url: t.String({
      format: "uri",
      description: "The stored file.",
      examples: [`https://photos.example.com/media/${postId}.jpg`],
    }),
    file_type: oneOf(["image", "video"], { examples: ["image"] }),
    file_name: t.String({
      description: "The file's name at upload, for display only.",
      examples: ["snow.jpg"],
    }),
    created_at: t.String({
      format: "date-time",
      description: "When the post was published, in UTC.",
      examples: ["2026-11-23T09:28:35.183Z"],
    }),
    width: nullable(t.Integer({ description: "In pixels; null if unknown.", examples: [4032] })),
    height: nullable(t.Integer({ description: "In pixels; null if unknown.", examples: [3024] })),
    content_type: t.String({ description: "Detected from the file's bytes.", examples: ["image/jpeg"] }),
    bytes: t.Integer({ format: "int64", description: "Size of the stored file.", examples: [2_400_000] }),
    thumbnail_url: nullable(
      t.String({
        format: "uri",
        description:
          "A still image of at most 640 pixels a side, in sRGB; null if there is none, as for an image that is too " +
          "large to be decoded.",
        examples: [`https://photos.example.com/media/${postId}.thumb.webp`],
      }),
    ),
    is_owner: t.Boolean({ description: "Whether you are the author.", examples: [true] }),
    email: t.String({ description: "The author's current email address.", examples: ["ada@example.com"] }),
  }),
  FeedPage: t.Object({
    posts: t.Array(t.Unsafe<object>({ $ref: "#/components/schemas/Post" })),
    next_cursor: nullable(
      t.String({
        description: "Pass it as `cursor` to get the next page; null on the last page.",
        examples: ["MTc5NTQyNTcxNTE4My4wMWEyMDdiYy01ZTZmLTc3NjUtYWIyNi0zNzhhNzE2NWMyNTc"],
      }),
    ),
  }),
  PostDeleted: t.Object({ success: t.Literal(true), message: t.Literal("Post deleted successfully") }),
  Health: t.Object({
    status: oneOf(["ok", "stopping"], {
      description: "`stopping` while the service shuts down.",
      examples: ["ok"],
    }),
  }),
  ApiError: t.Object({
    detail: t.String({ description: "A sentence that says what went wrong.", examples: ["Not Found"] }),
  }),
  InvalidPassword: t.Object({
    code: oneOf(Object.keys(apiErrors).filter((code) => code.endsWith("_INVALID_PASSWORD"))),
    reason: t.String({
      description: "A sentence to show to the user.",
      examples: ["Password should be at least 8 characters"],
    }),
  }),
  HTTPValidationError: t.Object({
    detail: t.Array(
      t.Object({
        type: oneOf(problemTypes, { examples: ["missing"] }),
        loc: t.Array(t.Union([t.String(), t.Integer()]), {
          description: "Where: `body`, `query`, `path` or `header`, then the field.",
          examples: [["body", "email"]],
        }),
        msg: t.String({ examples: ["Field required"] }),
      }),
    ),
  }),
};

export type SchemaName = keyof typeof schemas;
