import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import type { PostOutcome } from "../database/imports.ts";
import type { ReservedPost } from "../database/posts.ts";
import type { DiskSpace } from "../observability/disk-space.ts";
import { retry } from "../concurrency/retry.ts";
import { ApiError } from "../errors.ts";
import type { MediaKind, MediaType } from "../media-types.ts";
import { readOriginal } from "../storage/imagekit-delivery.ts";
import { mediaKey } from "../storage/media-keys.ts";
import type { StoredContent } from "../storage/media-store.ts";
import { displayName } from "../uploads/display-name.ts";
import { deleteOrphanedMedia } from "../uploads/orphaned-media.ts";
import { storeInTime } from "../uploads/publishing.ts";
import { kindOf, TempFile, tooLarge } from "../uploads/staged-file.ts";
import { discardStaged } from "../uploads/staged-upload.ts";
import type { PostServices } from "../uploads/upload-services.ts";
import type { ImportedPost } from "../database/imports.ts";

/** The services that copies need. */
export interface CopyServices extends PostServices {
  readonly space: DiskSpace;
  /** Folder of the temp files. */
  readonly tempDir: string;
  /** Size limits, by kind. */
  readonly maxBytes: Readonly<Record<MediaKind, number>>;
}

/** ImageKit did not deliver a file. The message is the end of a sentence about the post. */
export class DownloadError extends Error {
  override readonly name = "DownloadError";
  /** @param isTemporary whether another attempt may succeed */
  constructor(
    message: string,
    readonly isTemporary: boolean,
  ) {
    super(message);
  }
}

const retryPauseMs = 500;

/**
 * Copies the file of a new post from ImageKit into the configured store, prepared as an upload is, and publishes the post at
 * the time it has. If the process is killed before that, the pending post is left, and the sweeper deletes what was stored.
 * @returns `new` if it was published
 * @throws DownloadError; ApiError and ValidationProblems as for an upload; the signal's reason
 */
export async function copyPost(
  services: CopyServices,
  post: ImportedPost,
  signal: AbortSignal,
): Promise<PostOutcome> {
  const { tempDir, maxBytes, deadlineFor } = services;
  await mkdir(tempDir, { recursive: true, mode: 0o700 });
  const path = join(tempDir, crypto.randomUUID());
  const temp = new TempFile(path, maxBytes, { transportStreams: false });
  try {
    const seconds = deadlineFor(Math.max(maxBytes.image, maxBytes.video));
    await download(services, post, temp, AbortSignal.any([signal, AbortSignal.timeout(seconds * 1000)]));
    const type = (await temp.settle(true)) as MediaType | undefined;
    if (!type) throw new ApiError("UNSUPPORTED_MEDIA");
    return await publishCopy(services, post, { temp, type }, signal);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    await temp.discard();
    await discardStaged({ file: Bun.file(path), thumbnail: undefined });
  }
}

async function download(
  { space, maxBytes }: CopyServices,
  { url, userId }: ImportedPost,
  temp: TempFile,
  signal: AbortSignal,
): Promise<void> {
  const content = await fromImageKit(() => retry(signal, retryPauseMs, () => readOriginal(url, signal)));
  if (!content) throw new DownloadError("its file is not in ImageKit", false);
  const limit = Math.max(maxBytes.image, maxBytes.video);
  const declared = content.bytes ?? 0;
  if (declared > limit) {
    await content.stream.cancel();
    throw tooLarge(limit);
  }
  const claim = await space.claim(userId, declared);
  try {
    for await (const chunk of chunksOf(content)) {
      temp.write(chunk);
      await claim.received(temp.bytes);
      await temp.settle(false);
    }
  } finally {
    claim.release();
  }
  if (content.bytes !== null && temp.bytes !== content.bytes)
    throw new DownloadError("ImageKit delivered only a part of its file", true);
}

/** The chunks of a stream, whose own failures become a {@link DownloadError}. */
async function* chunksOf({ stream }: StoredContent): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { value, done } = await fromImageKit(() => reader.read());
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

async function fromImageKit<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const { status } = error as { status?: number };
    throw new DownloadError(
      `ImageKit did not deliver its file (${status === undefined ? "no answer" : `status ${status}`})`,
      true,
    );
  }
}

/** Prepares, reserves, stores and publishes a downloaded file, as an upload. */
async function publishCopy(
  services: CopyServices,
  { id, userId, createdAt, ...original }: ImportedPost,
  { temp, type }: { temp: TempFile; type: MediaType },
  signal: AbortSignal,
): Promise<PostOutcome> {
  const { database, store, mediaWorkers, renditionJobs, deadlineFor } = services;
  const { path } = temp;
  const media = { path, type, thumbnail: !store.makesRenditions };
  const prepared = await mediaWorkers.prepare(media, userId, temp.bytes, signal);
  const missing = store.makesRenditions ? [] : prepared.missing.filter(renditionJobs.canMake);
  const key = mediaKey(id, type);
  const post: ReservedPost & { contentType: MediaType } = {
    ...{ id, userId, caption: original.caption, alt: original.alt },
    fileType: kindOf(type),
    fileName: displayName(original.fileName, type),
    ...{ store: store.name, key, contentType: type },
    bytes: prepared.bytes,
    width: prepared.size?.width ?? null,
    height: prepared.size?.height ?? null,
    durationSeconds: prepared.durationSeconds,
    sha256: temp.sha256(),
    uploadKey: null,
    // As of the latest time at which it can be published, so that a service's sweeper leaves it alone until then.
    reservedAt: new Date(Date.now() + deadlineFor(prepared.bytes) * 1000),
  };
  const reserved = await database.imports.reserve(post);
  if (reserved !== "new") return reserved;
  try {
    const file = await storeInTime(services, post, { key, path, prepared, missing }, signal);
    if (await database.imports.publish(post, file, createdAt, missing)) return "new";
    // A service that starts meanwhile takes the post for one of a crashed process.
    await discardUnfinished(services, id);
    return "unfinished";
  } catch (error) {
    await discardUnfinished(services, id);
    throw error;
  }
}

/**
 * Deletes what an interrupted copy of a post has left.
 * @returns false if the sweeper must do it later
 */
export async function discardUnfinished(services: PostServices, id: string): Promise<boolean> {
  const { posts } = services.database;
  const media = await posts.abandon(id, new Date());
  return !media || (await deleteOrphanedMedia(services, media));
}
