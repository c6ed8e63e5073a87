import type { Actor } from "../database/actors.ts";
import { ApiError } from "../errors.ts";
import { deleteOrphanedMedia } from "../uploads/orphaned-media.ts";
import { isOwner } from "./post-read.ts";
import type { PostServices } from "../uploads/upload-services.ts";

/**
 * Deletes the actor's own post. It disappears from the feed at once; the sweeper deletes its files if the store fails now.
 * Of concurrent calls exactly one succeeds.
 * @throws ApiError POST_NOT_FOUND, NOT_YOUR_POST; UNAUTHORIZED or FORBIDDEN when the actor lost the right to do it
 */
export async function deletePost(services: PostServices, actor: Actor, id: string): Promise<void> {
  const { posts } = services.database;
  const post = await posts.byId(id);
  if (!post) throw new ApiError("POST_NOT_FOUND");
  if (!isOwner(post, { id: actor.userId })) throw new ApiError("NOT_YOUR_POST");
  const leftover = await posts.startDeleting(actor, id, new Date());
  if (!leftover) throw new ApiError("POST_NOT_FOUND");
  await deleteOrphanedMedia(services, leftover);
}
