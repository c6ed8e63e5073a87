import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";

import type { KeptLease } from "../concurrency/kept-lease.ts";
import type { ClaimedJob, RenditionChanges } from "../database/rendition-jobs.ts";
import type { RenditionKind } from "../database/schema.ts";
import { parseRenditionKey, renditionKey, renditionKeyAt, type Rendition } from "../storage/media-keys.ts";
import type { MediaStore } from "../storage/media-store.ts";
import { withExtension } from "../uploads/display-name.ts";
import { withinFreeSpace } from "./job-space.ts";
import type { MadeFile, MadeRenditions, Maker } from "./made-renditions.ts";
import { makeMp4 } from "./mp4.ts";
import { originalOf } from "./original.ts";
import { makePicture } from "./picture.ts";
import { makePoster } from "./poster.ts";
import type { RenditionServices } from "./rendition-services.ts";

const makers: Readonly<Record<RenditionKind, Maker>> = {
  picture: makePicture,
  poster: makePoster,
  mp4: makeMp4,
};

/** The renditions at the addresses `thumbnail_url` and `display_url` of a post. */
type LinkedRenditions = { readonly thumbnail?: Rendition; readonly display?: Rendition };

/** The renditions that each kind of job makes. */
const madeBy: Readonly<Record<RenditionKind, LinkedRenditions>> = {
  picture: { thumbnail: "thumbnail", display: "picture" },
  poster: { thumbnail: "thumbnail" },
  mp4: { display: "mp4" },
};

/**
 * Makes the renditions of a claimed job, stores them and publishes their addresses. The post keeps its earlier ones until
 * then.
 * @returns bytes stored; undefined when the lease was lost, and nothing was published
 * @throws what a {@link Maker} throws; ApiError of the store; as {@link withinFreeSpace}; LeaseLost
 */
export async function attempt(
  services: RenditionServices,
  job: ClaimedJob,
  lease: KeptLease,
): Promise<number | undefined> {
  const { tempDir, storeNamed, database } = services;
  // The folder of an idle process may have been removed.
  await mkdir(tempDir, { recursive: true });
  const folder = await mkdtemp(join(tempDir, "rendition-"));
  try {
    const made = await withinFreeSpace(services, job, folder, lease.signal, async (signal) => {
      const original = await originalOf(services, job, folder, signal);
      return makers[job.kind](services, job, original, folder, signal);
    });
    // Checked before the files are stored: deleting a post during a put takes a second attempt.
    await lease.renew();
    const store = storeNamed(job.store)!;
    const changes = await put(services, store, job, made, lease.signal);
    if (!(await database.renditionJobs.finish(job, changes))) return undefined;
    await removeEarlier(services, store, job, changes);
    return (made.thumbnail?.bytes ?? 0) + (made.display?.bytes ?? 0);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Stores the files. @returns what changes about the post */
async function put(
  { deadlineFor }: RenditionServices,
  store: MediaStore,
  job: ClaimedJob,
  made: MadeRenditions,
  signal: AbortSignal,
): Promise<RenditionChanges> {
  async function address(rendition: Rendition | undefined, file: MadeFile | null | undefined) {
    if (!rendition || !file) return null;
    const key = renditionKey(job.postId, rendition, job.version);
    const { contentType } = parseRenditionKey(key)!;
    const storable = {
      file: Bun.file(file.path),
      contentType,
      displayName: withExtension(job.fileName, contentType),
      bytes: file.bytes,
    };
    const deadline = AbortSignal.timeout(deadlineFor(file.bytes) * 1000);
    return (await store.put(key, storable, AbortSignal.any([signal, deadline]))).url;
  }
  const { thumbnail, display } = madeBy[job.kind];
  return {
    ...(made.thumbnail !== undefined && { thumbnailUrl: await address(thumbnail, made.thumbnail) }),
    ...(made.display !== undefined && { displayUrl: await address(display, made.display) }),
    ...(made.placeholder !== undefined && { placeholder: made.placeholder }),
    ...(made.durationSeconds !== undefined && { durationSeconds: made.durationSeconds }),
  };
}

/** Deletes the files that new versions have replaced. Files that cannot be deleted now are deleted with the post. */
async function removeEarlier(
  { deadlineFor, log }: RenditionServices,
  store: MediaStore,
  { kind, postId, version }: ClaimedJob,
  changes: RenditionChanges,
): Promise<void> {
  const { thumbnail, display } = madeBy[kind];
  const replaced = [
    changes.thumbnailUrl !== undefined && thumbnail,
    changes.displayUrl !== undefined && display,
  ].filter((rendition) => typeof rendition === "string");
  try {
    const deadline = AbortSignal.timeout(deadlineFor(0) * 1000);
    for (let earlier = 0; earlier < version; earlier++)
      for (const rendition of replaced)
        await store.delete(renditionKey(postId, rendition, earlier), null, deadline);
  } catch (error) {
    log.warn("rendition.earlier_not_deleted", { post: postId, store: store.name, error });
  }
}

/**
 * Deletes the unused files of a job whose last attempt has failed or lost its lease. Keeps those that the post refers to, and
 * all of them if another attempt uses the same keys. If the post is gone, its deletion may have missed them.
 * @throws ApiError of the store
 */
export async function discard(
  { database, storeNamed, deadlineFor }: RenditionServices,
  { kind, postId, version, store: storeName }: ClaimedJob,
): Promise<void> {
  const inUse = await database.renditionJobs.inUse(postId, kind);
  if (inUse?.jobVersion === version) return;
  const kept = [inUse?.thumbnailUrl, inUse?.displayUrl].map((url) => renditionKeyAt(url ?? null));
  const deadline = AbortSignal.timeout(deadlineFor(0) * 1000);
  for (const rendition of Object.values<Rendition>(madeBy[kind])) {
    const key = renditionKey(postId, rendition, version);
    if (!kept.includes(key)) await storeNamed(storeName)?.delete(key, null, deadline);
  }
}
