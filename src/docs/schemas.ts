// TypeBox's own: Elysia's integers are lenient unions with texts, good for reading queries and wrong for answers.
import { Type as t } from "@sinclair/typebox";

// What the API answers, for its document and for the tests that compare the two. Our own answers are not checked
// against these at run time: the types do that, for free.

const uuid = (examples: string[]) => t.String({ format: "uuid", examples });
const nullable = <S extends ReturnType<typeof t.String> | ReturnType<typeof t.Integer>>(schema: S) =>
  t.Union([schema, t.Null()]);

const ada = "3f2f9d6a-6d0b-4a53-9d0e-0a5f3a1c7b42";

export const components = {
  UserRead: t.Object({
    id: uuid([ada]),
    email: t.String({ format: "email", examples: ["ada@example.com"] }),
    is_active: t.Boolean({ examples: [true] }),
    is_superuser: t.Boolean({ examples: [false] }),
    is_verified: t.Boolean({ examples: [false] }),
  }),
  BearerToken: t.Object({
    access_token: t.String({ description: "Good for one hour.", examples: ["eyJhbGciOiJIUzI1NiJ9…"] }),
    token_type: t.Literal("bearer"),
  }),
  Post: t.Object({
    id: uuid(["01a207bc-5e6f-7765-ab26-378a7165c257"]),
    user_id: uuid([ada]),
    caption: t.String({ examples: ["First snow"] }),
    url: t.String({
      format: "uri",
      examples: ["http://localhost:8000/media/01a207bc-5e6f-7765-ab26-378a7165c257.jpg"],
    }),
    file_type: t.Union([t.Literal("image"), t.Literal("video")], { examples: ["image"] }),
    file_name: t.String({ description: "For showing only.", examples: ["snow.jpg"] }),
    created_at: t.String({ format: "date-time", examples: ["2026-11-23T09:28:35.183Z"] }),
    width: nullable(t.Integer({ examples: [4032] })),
    height: nullable(t.Integer({ examples: [3024] })),
    content_type: t.String({ examples: ["image/jpeg"] }),
    bytes: t.Integer({ examples: [2_400_000] }),
    thumbnail_url: nullable(
      t.String({ format: "uri", description: "A still of at most 640 pixels a side." }),
    ),
    is_owner: t.Boolean({ description: "Whether the viewer shared it.", examples: [true] }),
    email: t.String({ description: "The author's present address.", examples: ["ada@example.com"] }),
  }),
  FeedPage: t.Object({
    posts: t.Array(t.Unsafe<object>({ $ref: "#/components/schemas/Post" })),
    next_cursor: nullable(
      t.String({ description: "Pass it as `cursor` for the next page; null on the last." }),
    ),
  }),
  PostDeleted: t.Object({ success: t.Literal(true), message: t.Literal("Post deleted successfully") }),
  Health: t.Object({ status: t.Union([t.Literal("ok"), t.Literal("stopping")], { examples: ["ok"] }) }),
  Error: t.Object({ detail: t.String() }),
  ErrorWithReason: t.Object({ detail: t.Object({ code: t.String(), reason: t.String() }) }),
  HTTPValidationError: t.Object({
    detail: t.Array(
      t.Object({
        type: t.String({ examples: ["missing"] }),
        loc: t.Array(t.Union([t.String(), t.Integer()]), { examples: [["body", "email"]] }),
        msg: t.String({ examples: ["Field required"] }),
      }),
    ),
  }),
};

export type Component = keyof typeof components;
