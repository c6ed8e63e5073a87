import type { PublishedPost } from "../database/posts.ts";

/** May this viewer delete the post? Its author alone. */
export const isOwner = (post: { userId: string }, viewer: { id: string }): boolean =>
  post.userId === viewer.id;

/** Absolute: media that this service delivers itself is stored as a path, so that it follows a moved PUBLIC_URL. */
const absolute = (url: string, publicUrl: string) => (url.startsWith("/") ? publicUrl + url : url);

/** A post as the API shows it to this viewer. */
export const postRead = (post: PublishedPost, viewer: { id: string }, publicUrl: string) => ({
  id: post.id,
  user_id: post.userId,
  caption: post.caption,
  url: absolute(post.url, publicUrl),
  file_type: post.fileType,
  file_name: post.fileName,
  created_at: post.createdAt.toISOString(),
  is_owner: isOwner(post, viewer),
  email: post.email,
  width: post.width,
  height: post.height,
  content_type: post.contentType,
  bytes: post.bytes,
  thumbnail_url: post.thumbnailUrl && absolute(post.thumbnailUrl, publicUrl),
});
