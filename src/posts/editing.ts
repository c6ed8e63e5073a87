import type { Actor } from "../database/actors.ts";
import type { Database } from "../database/database.ts";
import type { PostTexts } from "../database/posts.ts";
import type { PublishedPost } from "../database/published-posts.ts";
import { ApiError } from "../errors.ts";
import { isOwner } from "./post-read.ts";

/**
 * Changes the texts of the actor's own post. Texts left out keep their values.
 * @returns the post as it is now
 * @throws ApiError POST_NOT_FOUND; NOT_YOUR_POST_TO_EDIT, for superusers too; UNAUTHORIZED or FORBIDDEN when the actor
 * has lost the right in the meantime
 */
export async function editPost(
  { posts }: Pick<Database, "posts">,
  actor: Actor,
  id: string,
  changes: Partial<PostTexts>,
): Promise<PublishedPost> {
  const post = await posts.byId(id);
  if (!post) throw new ApiError("POST_NOT_FOUND");
  if (!isOwner(post, { id: actor.userId })) throw new ApiError("NOT_YOUR_POST_TO_EDIT");
  const edited = await posts.edit(actor, id, changes, new Date());
  if (!edited) throw new ApiError("POST_NOT_FOUND");
  return edited;
}
