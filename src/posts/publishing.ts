import type { PublishedPost } from "../database/posts.ts";
import type { Viewer } from "../database/users.ts";
import { ApiError } from "../errors.ts";
import { readImageSize } from "../media/image-size.ts";
import { mediaKey } from "../media/keys.ts";
import type { StagedUpload } from "../media/staging.ts";
import type { StorableFile, StoredMedia } from "../media/store.ts";
import { earlierUpload } from "./idempotency.ts";
import { removeBytes } from "./removing.ts";
import type { PostServices } from "./services.ts";

/** What a client wants to share. */
export interface Upload {
  readonly staged: StagedUpload;
  readonly caption: string;
  /** The client's name for this upload: repeated, it gives the first post and makes no second one. */
  readonly uploadKey: string | null;
  /** Aborts when the client goes away: an upload nobody waits for is given up. */
  readonly gone: AbortSignal;
}

/**
 * The life of an upload after it was staged: reserve → store → publish. Only a published post is acknowledged;
 * whatever fails before leaves a row that knows where the bytes may be, for {@link removeBytes} and the sweeper.
 * @throws ApiError of the store; UNSUPPORTED_MEDIA for what is damaged; UNAUTHORIZED when the account was deleted
 * meanwhile; those of {@link earlierUpload}
 */
export async function publish(
  services: PostServices,
  viewer: Viewer,
  upload: Upload,
): Promise<PublishedPost> {
  const { database, store, running } = services;
  const { staged, caption, uploadKey, gone } = upload;
  const { facts, file } = staged;
  const earlier =
    uploadKey !== null && (await earlierUpload(database.posts, viewer.id, uploadKey, facts.sha256));
  if (earlier) return earlier;

  const size = await readImageSize(file.name ?? "", facts.type);
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
  const reservation = {
    ...post,
    store: store.name,
    key,
    sha256: facts.sha256,
    uploadKey,
    reservedAt: new Date(),
  };
  running.add(id);
  try {
    // Refused: another upload took the key since the look above. Its turn again, then.
    if (!(await database.posts.reserve(reservation))) return await publish(services, viewer, upload);
    try {
      const stored = await storeInTime(
        services,
        key,
        { file, contentType: facts.type, bytes: facts.bytes },
        gone,
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

/** @throws ApiError STORE_UNAVAILABLE when the store takes longer than it may */
async function storeInTime(
  { store, deadlineFor }: PostServices,
  key: string,
  file: StorableFile,
  gone: AbortSignal,
): Promise<StoredMedia> {
  const deadline = AbortSignal.timeout(deadlineFor(file.bytes) * 1000);
  try {
    return await store.put(key, file, AbortSignal.any([gone, deadline]));
  } catch (error) {
    if (deadline.aborted && !gone.aborted) throw new ApiError("STORE_UNAVAILABLE", { cause: error });
    throw error;
  }
}
