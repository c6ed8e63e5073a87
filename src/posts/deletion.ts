import type { SignedIn } from "../accounts/authenticator.ts";
import { ApiError } from "../errors.ts";
import type { LogFields } from "../observability/log.ts";
import { deleteOrphanedMedia } from "../uploads/orphaned-media.ts";
import { isOwner } from "./post-read.ts";
import type { PostServices } from "../uploads/upload-services.ts";

/**
 * Deletes a post of the signed-in user, or, for superusers, any post, which is logged. It disappears from the feed at
 * once; the sweeper deletes its files if the store fails now. Exactly one of several concurrent calls succeeds.
 * @param requestFields identify the request in the log
 * @throws ApiError POST_NOT_FOUND, NOT_YOUR_POST; UNAUTHORIZED or FORBIDDEN when the user has lost the right in the
 * meantime
 */
export async function deletePost(
  services: PostServices,
  { viewer, actor }: SignedIn,
  id: string,
  requestFields: LogFields,
): Promise<void> {
  const { database, log } = services;
  const post = await database.posts.byId(id);
  if (!post) throw new ApiError("POST_NOT_FOUND");
  const isModeration = !isOwner(post, viewer);
  if (isModeration && !viewer.isSuperuser) throw new ApiError("NOT_YOUR_POST");
  const orphan = await database.posts.startDeleting(
    { ...actor, mustBeSuperuser: isModeration },
    id,
    new Date(),
  );
  if (!orphan) throw new ApiError("POST_NOT_FOUND");
  if (isModeration)
    log.info("post.deleted", {
      ...requestFields,
      actor: viewer.id,
      post: id,
      author: post.userId,
    });
  await deleteOrphanedMedia(services, orphan);
}
