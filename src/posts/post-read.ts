import { Type as t, type Static } from "@sinclair/typebox";

import type { PublishedPost } from "../database/posts.ts";
import { exampleIds, nullable, oneOf, uuid } from "../openapi/schemas.ts";

/** A post as the API shows it: its documentation, and through {@link PostRead} its type. */
export const postSchema = t.Object(
  {
    id: uuid(exampleIds.post, "Never changes."),
    user_id: uuid(exampleIds.user, "The author's id."),
    caption: t.String({ description: "Empty if the author gave none.", examples: ["First snow"] }),
    url: t.String({
      format: "uri",
      description: "The stored file.",
      examples: [`https://photos.example.com/media/${exampleIds.post}.jpg`],
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
        examples: [`https://photos.example.com/media/${exampleIds.post}.thumb.webp`],
      }),
    ),
    is_owner: t.Boolean({ description: "Whether you are the author.", examples: [true] }),
    email: t.String({ description: "The author's current email address.", examples: ["ada@example.com"] }),
  },
  { $id: "Post" },
);

export type PostRead = Static<typeof postSchema>;

/** Whether the viewer is the author, who alone may delete the post. */
export const isOwner = (post: { userId: string }, viewer: { id: string }): boolean =>
  post.userId === viewer.id;

/** Returns a post as the API shows it to this viewer. */
export const postRead = (post: PublishedPost, viewer: { id: string }, baseUrl: string): PostRead => ({
  id: post.id,
  user_id: post.userId,
  caption: post.caption,
  url: absolute(post.url, baseUrl),
  file_type: post.fileType,
  file_name: post.fileName,
  created_at: post.createdAt.toISOString(),
  width: post.width,
  height: post.height,
  content_type: post.contentType,
  bytes: post.bytes,
  thumbnail_url: post.thumbnailUrl && absolute(post.thumbnailUrl, baseUrl),
  is_owner: isOwner(post, viewer),
  email: post.email,
});

/** Media that this service delivers itself is stored as a path, so that it follows a moved PUBLIC_URL. */
const absolute = (url: string, baseUrl: string) => (url.startsWith("/") ? baseUrl + url : url);
