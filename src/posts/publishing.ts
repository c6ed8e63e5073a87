import type { PublishedPost } from "../database/posts.ts";
import type { Viewer } from "../database/users.ts";
import { ApiError } from "../errors.ts";
import { deadlineFor } from "../media/deadline.ts";
import { readImageSize } from "../media/image-size.ts";
import type { StagedUpload } from "../media/staging.ts";
import { mediaKey } from "../media/keys.ts";
import { earlierUpload } from "./idempotency.ts";
import type { PostServices } from "./services.ts";
import { removeBytes } from "./removing.ts";

/**
 * The life of an upload after it was staged: reserve → store → publish. Only a published post is acknowledged;
 * whatever fails before leaves a row that knows where the bytes may be, for {@link removeBytes} and the sweeper.
 * @param uploadKey the client's name for this upload: repeated, it gives the first post and makes no second one
 * @param gone aborts when the client goes away: an upload nobody waits for is given up
 * @throws ApiError of the store; UNAUTHORIZED when the account was deleted meanwhile
 */
export async function publish(
  services: PostServices,
  viewer: Viewer,
  upload: StagedUpload,
  caption: string,
  uploadKey: string | null,
  gone: AbortSignal,
): Promise<PublishedPost> {
  const { database, store, running } = services;
  const { facts } = upload;
  const earlier = async () =>
    uploadKey === null ? undefined : earlierUpload(database.posts, viewer.id, uploadKey, facts.sha256);
  const repeated = await earlier();
  if (repeated) return repeated;
  const size = await readImageSize(upload.file.name ?? "", facts.type);
  const id = Bun.randomUUIDv7();
  const key = mediaKey(id, facts.type);
  const post = {
    id,
    userId: viewer.id,
    caption,
    fileType: facts.kind,
    fileName: facts.displayName,
    contentType: facts.type,
    bytes: facts.bytes,
    width: size?.width ?? null,
    height: size?.height ?? null,
  };
  running.add(id);
  try {
    const reserved = await database.posts.reserve({
      ...post,
      store: store.name,
      key,
      sha256: facts.sha256,
      uploadKey,
      reservedAt: new Date(),
    });
    // Taken since the look above, by an upload that is likely still running.
    if (!reserved)
      return (await earlier()) ?? (await publish(services, viewer, upload, caption, uploadKey, gone));
    try {
      const deadline = AbortSignal.timeout(deadlineFor(facts.bytes) * 1000);
      const stored = await store.put(
        key,
        { file: upload.file, contentType: facts.type, bytes: facts.bytes },
        AbortSignal.any([gone, deadline]),
      );
      const createdAt = await database.posts.publish(id, stored, new Date());
      if (!createdAt) throw new ApiError("UNAUTHORIZED");
      return { ...post, email: viewer.email, createdAt, url: stored.url, thumbnailUrl: stored.thumbnailUrl };
    } catch (error) {
      const leftover = await database.posts.abandon(id, new Date());
      if (leftover) await removeBytes(services, leftover);
      throw error;
    }
  } finally {
    running.delete(id);
  }
}
