import type { Actor } from "../database/actors.ts";
import type { Leftover } from "../database/posts.ts";
import { ApiError } from "../errors.ts";
import { thumbnailKey } from "../media/keys.ts";
import { isOwner } from "./post-read.ts";
import type { PostServices } from "./services.ts";

/**
 * Deletes the actor's own post: gone from the feed at once, and its bytes with it where the store lets us;
 * where it does not, the sweeper goes on. Of several calls at once one succeeds.
 * @throws ApiError POST_NOT_FOUND, NOT_YOUR_POST; UNAUTHORIZED or FORBIDDEN when the actor lost the right to do it
 */
export async function deletePost(services: PostServices, actor: Actor, id: string): Promise<void> {
  const { posts } = services.database;
  const post = await posts.byId(id);
  if (!post) throw new ApiError("POST_NOT_FOUND");
  if (!isOwner(post, { id: actor.userId })) throw new ApiError("NOT_YOUR_POST");
  const leftover = await posts.startDeleting(actor, id, new Date());
  if (!leftover) throw new ApiError("POST_NOT_FOUND");
  await removeBytes(services, leftover);
}

/**
 * Tries to delete what a post leaves behind, then forgets the row. Never rejects because of the store: what fails is
 * noted for the sweeper, later each time.
 */
export async function removeBytes(services: PostServices, leftover: Leftover): Promise<boolean> {
  const { database, storeNamed, deadlineFor, log } = services;
  const { id, key, storeId, attempts } = leftover;
  try {
    const store = storeNamed(leftover.store);
    if (!store) throw new Error(`no media store "${leftover.store}" is configured`);
    const deadline = AbortSignal.timeout(deadlineFor(0) * 1000);
    await store.delete(key, storeId, deadline);
    if (!store.makesThumbnails) await store.delete(thumbnailKey(id), null, deadline);
    // Never published: its bytes may reach the store after we looked. The row stays until that is over, for another look.
    const landed = leftover.reservedAt.getTime() + deadlineFor(leftover.bytes) * 1000;
    if (leftover.url === null && store.landsLate && Date.now() < landed)
      await database.posts.postpone(id, new Date(landed));
    else await database.posts.remove(id);
    return true;
  } catch (error) {
    log.warn("post.bytes_not_deleted", { post: id, store: leftover.store, attempts, error });
    await database.posts.postpone(id, new Date(Date.now() + backOff(attempts)));
    return false;
  }
}

/** Milliseconds until the next try: 30 s, doubled each time up to 6 h, with jitter so that nodes do not march in step. */
const backOff = (attempts: number) =>
  Math.min(30_000 * 2 ** attempts, 6 * 3_600_000) * (0.75 + Math.random() / 2);
