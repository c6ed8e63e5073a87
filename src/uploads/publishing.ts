import type { Actor, Operator } from "../database/actors.ts";
import type { PostTexts, StoredFile } from "../database/posts.ts";
import type { PublishedPost } from "../database/published-posts.ts";
import type { RenditionKind } from "../database/schema.ts";
import type { Viewer } from "../database/users.ts";
import { ApiError } from "../errors.ts";
import type { MediaType } from "../media-types.ts";
import { withExtension } from "./display-name.ts";
import { mediaKey, renditionKey } from "../storage/media-keys.ts";
import { thumbnailPath } from "./files-beside.ts";
import type { Preparation } from "./preparation.ts";
import type { StagedUpload } from "./upload-form.ts";
import type { StorableFile } from "../storage/media-store.ts";
import { earlierUpload, uploadInProgress } from "./idempotency.ts";
import { deleteOrphanedMedia } from "./orphaned-media.ts";
import type { PostServices } from "./upload-services.ts";

/** The author of a new post, and the right to publish it that the database checks again. */
export interface Author {
  readonly viewer: Viewer;
  readonly actor: Actor | Operator;
}

/** Keeps the posts of uploads that run beside each other in order. */
export interface PublishingTurn {
  /** Awaited when the file is stored, before its post appears. */
  wait(): Promise<void>;
  /** Milliseconds after which {@link wait} resolves at the latest. */
  readonly maxWaitMs: number;
}

/** An upload after staging. */
export interface Upload extends PostTexts {
  readonly staged: StagedUpload;
  /** The client's name for this upload. A repeated upload returns the first post instead of creating a second one. */
  readonly uploadKey: string | null;
  /** Aborts when the client disconnects; the upload is then abandoned. */
  readonly gone: AbortSignal;
  /**
   * Set by a command, which may run beside a service: the post is then reserved as of the latest time at which it can be
   * published, so that the service's sweeper does not take it for abandoned before.
   */
  readonly turn?: PublishingTurn;
}

/**
 * Turns a staged upload into a post: prepare → reserve → store → publish. Only a published post is acknowledged. After an
 * earlier failure, the reserved row names the file that may have been stored, for {@link deleteOrphanedMedia} and the
 * sweeper.
 * @throws ApiError of the store; those of `MediaWorkers.prepare`; UNAUTHORIZED or FORBIDDEN when the actor lost the
 * right to publish meanwhile; QUOTA_EXCEEDED; those of {@link earlierUpload}
 */
export async function publish(
  services: PostServices,
  { viewer, actor }: Author,
  upload: Upload,
): Promise<PublishedPost> {
  const { database, store, running, unsettled, metrics, mediaWorkers, userQuota, renditionJobs } = services;
  const { staged, caption, alt, uploadKey, gone, turn } = upload;
  const { facts } = staged;
  const earlier =
    uploadKey !== null &&
    (await earlierUpload(database.posts, viewer.id, uploadKey, { sha256: facts.sha256, caption, alt }));
  if (earlier) return earlier;

  const path = staged.file.name ?? "";
  const prepared = await mediaWorkers.prepare(
    {
      path,
      type: facts.type,
      thumbnail: !store.makesRenditions,
      preview: staged.thumbnail && { path: staged.thumbnail.file.name ?? "", type: staged.thumbnail.type },
    },
    viewer.id,
    facts.bytes,
    gone,
  );
  const { bytes, size, durationSeconds } = prepared;
  const missing = store.makesRenditions ? [] : prepared.missing.filter(renditionJobs.canMake);
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
    durationSeconds,
  };
  const reservation = {
    ...post,
    store: store.name,
    key,
    sha256: facts.sha256,
    uploadKey,
    reservedAt: new Date(Date.now() + (turn ? services.deadlineFor(bytes) * 1000 + turn.maxWaitMs : 0)),
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
      const { storeId, ...stored } = await storeInTime(
        services,
        post,
        { key, path, prepared, missing },
        gone,
      );
      await turn?.wait();
      const createdAt = await database.posts.publish(actor, id, { storeId, ...stored }, new Date(), missing);
      // Another node considered the upload abandoned.
      if (!createdAt) throw new ApiError("STORE_UNAVAILABLE");
      metrics.upload("published", bytes);
      const processing = missing.length > 0;
      if (processing) renditionJobs.wake();
      const author = { authorName: viewer.name, email: viewer.email };
      return { ...post, ...author, ...stored, processing, createdAt, editedAt: null };
    } catch (error) {
      metrics.upload(error instanceof ApiError ? error.code : "aborted", 0);
      // Undefined if the post was published and only the database's answer was lost.
      const media = await database.posts.abandon(id, new Date()).catch(endUnknown);
      if (media) await deleteOrphanedMedia(services, media);
      throw error;
    }
  } finally {
    running.delete(id);
  }
}

/** A prepared file, and where to store it. */
export interface PreparedFile {
  readonly key: string;
  readonly path: string;
  readonly prepared: Preparation;
  /** Renditions to make after the upload. */
  readonly missing: readonly RenditionKind[];
}

/**
 * Puts the file and its thumbnail, for a post that was reserved.
 * @throws ApiError STORE_UNAVAILABLE when the store exceeds its deadline
 */
export async function storeInTime(
  { store, deadlineFor }: Pick<PostServices, "store" | "deadlineFor">,
  post: { readonly id: string; readonly contentType: MediaType; readonly fileName: string },
  { key, path, prepared, missing }: PreparedFile,
  gone: AbortSignal,
): Promise<StoredFile> {
  const { bytes, thumbnail, placeholder, isFitForDisplay } = prepared;
  const { id, contentType, fileName: displayName } = post;
  const deadline = AbortSignal.timeout(deadlineFor(bytes) * 1000);
  const signal = AbortSignal.any([gone, deadline]);
  // Fresh objects for the files: the one they were staged as remembers the size before.
  const file: StorableFile = { file: Bun.file(path), contentType, displayName, bytes };
  try {
    const { url, storeId, renditions } = await store.put(key, file, signal);
    const stored = { url, storeId, displayUrl: null, placeholder };
    if (renditions) {
      const { thumbnailUrl, displayUrl } = renditions;
      return { ...stored, thumbnailUrl, displayUrl: isFitForDisplay ? null : displayUrl };
    }
    // An image stands in for its thumbnail until that is made.
    if (thumbnail === null) return { ...stored, thumbnailUrl: missing.includes("picture") ? url : null };
    const small: StorableFile = {
      file: Bun.file(thumbnailPath(path)),
      contentType: "image/webp",
      displayName: withExtension(displayName, "image/webp"),
      bytes: thumbnail,
    };
    const { url: thumbnailUrl } = await store.put(renditionKey(id, "thumbnail", 0), small, signal);
    return { ...stored, thumbnailUrl };
  } catch (error) {
    if (deadline.aborted && !gone.aborted) throw new ApiError("STORE_UNAVAILABLE", { cause: error });
    throw error;
  }
}
