import { Type as t, type Static } from "@sinclair/typebox";

import type { AuthorEmails } from "../config/config.ts";
import type { PublishedPost } from "../database/published-posts.ts";
import type { Viewer } from "../database/users.ts";
import {
  displayLongSide,
  hiddenEmail,
  panoramaLongSide,
  thumbnailLongSide,
  thumbnailShortSide,
} from "../limits.ts";
import { exampleIds, nullable, oneOf, uuid } from "../openapi/schemas.ts";

/** A post as the API shows it: its documentation, and through {@link PostRead} its type. */
export const postSchema = t.Object(
  {
    id: uuid(exampleIds.post, "Never changes."),
    user_id: uuid(exampleIds.user, "The author's id."),
    author: t.Object({
      id: uuid(exampleIds.user, "The same as `user_id`."),
      name: nullable(
        t.String({ description: "The author's display name; null if there is none.", examples: ["Ada"] }),
      ),
    }),
    caption: t.String({ description: "Empty if the author gave none.", examples: ["First snow"] }),
    alt: t.String({
      description:
        "Alternative text: describes the picture to people who cannot see it. Empty if there is none.",
      examples: ["A snow-covered bench in front of a frozen lake"],
    }),
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
    edited_at: nullable(
      t.String({
        format: "date-time",
        description: "When the author last changed a text of the post, in UTC; null if never.",
        examples: ["2026-11-23T10:02:11.905Z"],
      }),
    ),
    width: nullable(t.Integer({ description: "In pixels; null if unknown.", examples: [4032] })),
    height: nullable(t.Integer({ description: "In pixels; null if unknown.", examples: [3024] })),
    content_type: t.String({
      description: "Detected from the file's bytes; from its name if an imported file stays where it was.",
      examples: ["image/jpeg"],
    }),
    bytes: t.Integer({
      format: "int64",
      description: "Size of the stored file; 0 if unknown, for an imported file that stays where it was.",
      examples: [2_400_000],
    }),
    thumbnail_url: nullable(
      t.String({
        format: "uri",
        description:
          `A still image for lists, upright and in sRGB. Its longer side has at most ${thumbnailLongSide} pixels, or up to ` +
          `${panoramaLongSide} where the shorter one would have less than ${thumbnailShortSide}. The poster of a video. While it is being made, an image is its own ` +
          "thumbnail. Null if there is none: for a video without a poster, and an image that cannot be decoded.",
        examples: [`https://photos.example.com/media/${exampleIds.post}.thumb.webp`],
      }),
    ),
    display_url: t.String({
      format: "uri",
      description:
        "The file to show at a large size, which every current browser can show: for an image that is larger than " +
        `${displayLongSide} pixels or in another format a WebP of that size, for a video that browsers cannot play an MP4. The same as ` +
        "`url` if the file itself is fit, and while the rendition is being made or where none can be made.",
      examples: [`https://photos.example.com/media/${exampleIds.post}.display.webp`],
    }),
    placeholder: nullable(
      t.String({
        description:
          "A tiny preview to show while the thumbnail loads: a thumbhash (evanw.github.io/thumbhash). Null if there is none.",
        examples: ["1QcSHQRnh493V4dIh4eXh1h4kJUI"],
      }),
    ),
    duration_seconds: nullable(
      t.Number({
        description: "Length of a video; null for images and if the file does not say.",
        examples: [12.48],
      }),
    ),
    processing: t.Boolean({
      description: "Whether a thumbnail or a file for `display_url` is still being made.",
      examples: [false],
    }),
    is_owner: t.Boolean({ description: "Whether you are the author.", examples: [true] }),
    email: t.String({
      description:
        "The author's current email address, or `Unknown` where the service shows it only to the author and to " +
        "superusers.",
      examples: ["ada@example.com"],
    }),
  },
  { $id: "Post" },
);

export type PostRead = Static<typeof postSchema>;

/** Whether the viewer is the author, who may edit and delete the post. */
export const isOwner = (post: { userId: string }, viewer: { id: string }): boolean =>
  post.userId === viewer.id;

/** The viewer of a post, and what its presentation depends on. */
export interface PostView {
  readonly viewer: Pick<Viewer, "id" | "isSuperuser">;
  /** The service's URL, as this viewer reaches it. */
  readonly baseUrl: string;
  readonly authorEmails: AuthorEmails;
}

/** Whether the viewer may see the email address of the post's author. */
export const mayReadEmail = (post: { userId: string }, { viewer, authorEmails }: PostView): boolean =>
  authorEmails === "everybody" || viewer.isSuperuser || isOwner(post, viewer);

/** Returns a post as the API shows it to this viewer. */
export const postRead = (post: PublishedPost, view: PostView): PostRead => ({
  id: post.id,
  user_id: post.userId,
  author: { id: post.userId, name: post.authorName },
  caption: post.caption,
  alt: post.alt,
  url: absolute(post.url, view.baseUrl),
  file_type: post.fileType,
  file_name: post.fileName,
  created_at: post.createdAt.toISOString(),
  edited_at: post.editedAt && post.editedAt.toISOString(),
  width: post.width,
  height: post.height,
  content_type: post.contentType,
  bytes: post.bytes,
  thumbnail_url: post.thumbnailUrl && absolute(post.thumbnailUrl, view.baseUrl),
  display_url: absolute(post.displayUrl ?? post.url, view.baseUrl),
  placeholder: post.placeholder,
  duration_seconds: post.durationSeconds,
  processing: post.processing,
  is_owner: isOwner(post, view.viewer),
  email: mayReadEmail(post, view) ? post.email : hiddenEmail,
});

/** Media that this service delivers itself is stored as a path, so that it follows a changed PUBLIC_URL. */
const absolute = (url: string, baseUrl: string) => (url.startsWith("/") ? baseUrl + url : url);
