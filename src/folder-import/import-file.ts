import { setTimeout as sleep } from "node:timers/promises";

import type { PostQueries } from "../database/posts.ts";
import { ApiError } from "../errors.ts";
import { publish, type Author, type PublishingTurn } from "../uploads/publishing.ts";
import { discardStaged } from "../uploads/staged-upload.ts";
import type { StagedUpload, UploadWith } from "../uploads/upload-form.ts";
import type { UploadServices } from "../uploads/upload-parser.ts";
import type { PostServices } from "../uploads/upload-services.ts";
import type { IntakeType } from "../uploads/staged-file.ts";
import { failureOf } from "./failures.ts";
import { hashFile, stageFile, type OpenFile } from "./staging.ts";
import { createTurns, type Place } from "./turns.ts";

/** The services that an import needs. */
export type ImportServices = PostServices & UploadServices;

/** The outcome for a file. */
export interface Imported {
  readonly kind: "imported" | "already there";
  readonly bytes: number;
}

/** Works on one file. Calls may overlap; they must begin in the order of the files. */
export type FileWork = (file: OpenFile & { readonly caption: string }) => Promise<Imported>;

/** Milliseconds before further attempts at a file after a temporary failure. */
const defaultRetryDelaysMs = [1000, 4000, 15_000];

/** No `Idempotency-Key` of a client contains a space. */
const uploadKeyOf = (sha256: string) => `import ${sha256}`;

/**
 * Makes posts of files on the same path as an upload, in the order of the calls, unless the author has shared the same file
 * before. Temporary failures are retried a few times.
 * @param retryDelaysMs other values than the default are for tests
 * @returns a function that throws ApiError and ValidationProblems as an upload does; SourceError; the signal's reason
 */
export function createImporter(
  services: ImportServices,
  author: Author,
  signal: AbortSignal,
  retryDelaysMs: readonly number[] = defaultRetryDelaysMs,
): FileWork {
  const { database, rewrapUpload } = services;
  const { id } = author.viewer;
  /** Files of which this process is making posts, by their hash. */
  const running = new Map<string, Promise<unknown>>();
  const [takeComparison, takePublication] = [createTurns(signal), createTurns(signal)];

  async function attempt(file: OpenFile & { caption: string }, comparison: Place, turn: PublishingTurn) {
    const staged = await stageFile(services, file, id, signal);
    const { sha256, bytes } = staged.facts;
    try {
      // In order, so that the first one of several identical files becomes the post.
      await comparison.turn.wait();
      const twin = running.get(sha256);
      const work = twin ?? share(staged, file.caption, turn);
      if (!twin) running.set(sha256, work);
      comparison.leave();
      const kind = (await work) === "shared before" || twin ? "already there" : "imported";
      return { kind, bytes } as const;
    } finally {
      await discardStaged(staged);
    }
  }

  async function share(
    received: UploadWith<IntakeType>,
    caption: string,
    turn: PublishingTurn,
  ): Promise<"shared before" | "published"> {
    const { sha256, bytes } = received.facts;
    try {
      if (await isShared(database.posts, id, sha256)) return "shared before";
      await requireQuota(services, id, bytes);
      const staged = rewrapUpload ? await rewrapUpload(received, id, signal) : (received as StagedUpload);
      await publish(services, author, {
        staged,
        caption,
        alt: "",
        uploadKey: uploadKeyOf(sha256),
        gone: signal,
        turn,
      });
      return "published";
    } finally {
      running.delete(sha256);
    }
  }

  return async (file) => {
    const [comparison, publication] = [takeComparison(), takePublication()];
    try {
      for (const delayMs of retryDelaysMs)
        try {
          return await attempt(file, comparison, publication.turn);
        } catch (error) {
          if (signal.aborted || failureOf(error, file.path).kind !== "temporary") throw error;
          await sleep(delayMs, undefined, { signal });
        }
      return await attempt(file, comparison, publication.turn);
    } finally {
      comparison.leave();
      publication.leave();
    }
  };
}

/**
 * Says what the importer would do, as far as that shows without preparing files.
 * @returns a function that throws as the importer does
 */
export function createPreview(services: ImportServices, author: Author, signal: AbortSignal): FileWork {
  const seen = new Set<string>();
  return async (file) => {
    const { sha256, bytes } = await hashFile(services, file, signal);
    const found = await services.database.posts.ofFile(author.viewer.id, sha256);
    const isThere = seen.has(sha256) || found.some(isVisible);
    seen.add(sha256);
    return { kind: isThere ? "already there" : "imported", bytes };
  };
}

/**
 * Whether the author has a post of the file. Abandons the unfinished post of an import whose process has ended; a file that
 * may still reach the store on its behalf is deleted by the sweeper after that.
 */
async function isShared(posts: PostQueries, userId: string, sha256: string): Promise<boolean> {
  const found = await posts.ofFile(userId, sha256);
  if (found.some(isVisible)) return true;
  for (const { id, uploadKey, reservedAt } of found)
    if (uploadKey === uploadKeyOf(sha256)) await posts.abandon(id, reservedAt);
  return false;
}

const isVisible = ({ state }: { state: string }): boolean => state !== "pending";

/** Rejects a file that exceeds the quota before it is prepared. The reservation of the post checks the quota again. */
async function requireQuota(
  { database, userQuota }: ImportServices,
  userId: string,
  bytes: number,
): Promise<void> {
  if (userQuota !== undefined && (await database.usage.of(userId)).bytes + bytes > userQuota)
    throw new ApiError("QUOTA_EXCEEDED");
}
