import type { SignedIn } from "../accounts/authenticator.ts";
import type { PostTexts } from "../database/posts.ts";
import type { PublishedPost } from "../database/published-posts.ts";
import { ApiError } from "../errors.ts";
import { withExtension } from "./display-name.ts";
import { mediaKey, thumbnailKey } from "../storage/media-keys.ts";
import { thumbnailPath, type Preparation } from "./preparation.ts";
import type { StagedUpload } from "./staging.ts";
import type { StorableFile, StoredMedia } from "../storage/media-store.ts";
import { earlierUpload, uploadInProgress } from "./idempotency.ts";
import { deleteOrphanedMedia } from "./orphaned-media.ts";
import type { PostServices } from "./upload-services.ts";

/** An upload after staging. */
export interface Upload extends PostTexts {
  readonly staged: StagedUpload;
  /** The client's name for this upload. A repeated upload returns the first post instead of creating a second one. */
  readonly uploadKey: string | null;
  /** Aborts when the client disconnects; the upload is then abandoned. */
  readonly gone: AbortSignal;
}

/**
 * Turns a staged upload into a post: prepare → reserve → store → publish. Only a published post is acknowledged. After an
 * earlier failure, the reserved row still names the file that may have been stored, for {@link deleteOrphanedMedia} and the sweeper.
 * @throws ApiError of the store; those of `MediaWorkers.prepare`; UNAUTHORIZED or FORBIDDEN when the actor lost the
 * right to publish meanwhile; QUOTA_EXCEEDED; those of {@link earlierUpload}
 */
export async function publish(
  services: PostServices,
  { viewer, actor }: SignedIn,
  upload: Upload,
): Promise<PublishedPost> {
  const { database, store, running, unsettled, metrics, mediaWorkers, userQuota } = services;
  const { staged, caption, alt, uploadKey, gone } = upload;
  const { facts } = staged;
  const earlier =
    uploadKey !== null &&
    (await earlierUpload(database.posts, viewer.id, uploadKey, { sha256: facts.sha256, caption, alt }));
  if (earlier) return earlier;

  const path = staged.file.name ?? "";
  const prepared = await mediaWorkers.prepare(
    { path, type: facts.type, thumbnail: !store.makesThumbnails },
    viewer.id,
    facts.bytes,
    gone,
  );
  const { bytes, size } = prepared;
  const id = Bun.randomUUIDv7();
  const key = mediaKey(id, facts.type);
  const post = {
    id,
    userId: viewer.id,
    caption,
    alt,
    fileType: facts.kind,
    fileName: facts.displayName,
    contentType: facts.type,
    bytes,
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
  const endUnknown = (error: unknown): never => {
    unsettled.add(id);
    throw error;
  };
  running.add(id);
  try {
    const reserved = await database.posts.reserve(actor, reservation, userQuota).catch(endUnknown);
    // Another upload took the key since the look above, and is likely still running.
    if (reserved === "upload key taken") throw uploadInProgress();
    try {
      const stored = await storeInTime(services, id, key, filesToStore(path, facts, prepared), gone);
      const createdAt = await database.posts.publish(actor, id, stored, new Date());
      // Another node took it for abandoned.
      if (!createdAt) throw new ApiError("STORE_UNAVAILABLE");
      metrics.upload("published", bytes);
      const author = { authorName: viewer.name, email: viewer.email };
      const { url, thumbnailUrl } = stored;
      return { ...post, ...author, createdAt, editedAt: null, url, thumbnailUrl };
    } catch (error) {
      metrics.upload(error instanceof ApiError ? error.code : "aborted", 0);
      // Not when it was published all the same and only the answer was lost.
      const media = await database.posts.abandon(id, new Date()).catch(endUnknown);
      if (media) await deleteOrphanedMedia(services, media);
      throw error;
    }
  } finally {
    running.delete(id);
  }
}

interface FilesToStore {
  readonly file: StorableFile;
  /** `original`: the file stands in for it. */
  readonly thumbnail: StorableFile | "original" | undefined;
}

function filesToStore(
  path: string,
  { type: contentType, displayName }: Pick<StagedUpload["facts"], "type" | "displayName">,
  { bytes, thumbnail }: Preparation,
): FilesToStore {
  // Fresh objects for the files: the one they were staged as remembers the size before.
  const file = { file: Bun.file(path), contentType, displayName, bytes };
  if (typeof thumbnail !== "number") return { file, thumbnail: thumbnail ?? undefined };
  const small = Bun.file(thumbnailPath(path));
  return {
    file,
    thumbnail: {
      file: small,
      contentType: "image/webp",
      displayName: withExtension(displayName, "image/webp"),
      bytes: thumbnail,
    },
  };
}

/**
 * Puts the file and its thumbnail.
 * @throws ApiError STORE_UNAVAILABLE when the store exceeds its deadline
 */
async function storeInTime(
  { store, deadlineFor }: PostServices,
  id: string,
  key: string,
  { file, thumbnail }: FilesToStore,
  gone: AbortSignal,
): Promise<StoredMedia> {
  const deadline = AbortSignal.timeout(deadlineFor(file.bytes) * 1000);
  const signal = AbortSignal.any([gone, deadline]);
  try {
    const stored = await store.put(key, file, signal);
    if (store.makesThumbnails) return stored;
    if (thumbnail === "original") return { ...stored, thumbnailUrl: stored.url };
    if (!thumbnail) return { ...stored, thumbnailUrl: null };
    return { ...stored, thumbnailUrl: (await store.put(thumbnailKey(id), thumbnail, signal)).url };
  } catch (error) {
    if (deadline.aborted && !gone.aborted) throw new ApiError("STORE_UNAVAILABLE", { cause: error });
    throw error;
  }
}
