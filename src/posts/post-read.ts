import type { PublishedPost } from "../database/posts.ts";

/** A post as the API shows it. */
export interface PostRead {
  id: string;
  user_id: string;
  caption: string;
  url: string;
  file_type: "image" | "video";
  file_name: string;
  /** ISO 8601, UTC. */
  created_at: string;
  width: number | null;
  height: number | null;
  content_type: string;
  bytes: number;
  thumbnail_url: string | null;
  /** Whether the viewer shared it. */
  is_owner: boolean;
  /** The author's present address. */
  email: string;
}

/** May this viewer delete the post? Its author alone. */
export const isOwner = (post: { userId: string }, viewer: { id: string }): boolean =>
  post.userId === viewer.id;

/** A post as the API shows it to this viewer. */
export const postRead = (post: PublishedPost, viewer: { id: string }, baseUrl: string): PostRead => ({
  ...lastingPart(post, baseUrl),
  is_owner: isOwner(post, viewer),
  email: post.email,
});

/** What of a published post is the same for every viewer and never changes. */
export const lastingPart = (post: PublishedPost, baseUrl: string) => ({
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
});

/** Media that this service delivers itself is stored as a path, so that it follows a moved PUBLIC_URL. */
const absolute = (url: string, baseUrl: string) => (url.startsWith("/") ? baseUrl + url : url);
