import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";

import type { SignedIn } from "../../accounts/authenticator.ts";
import type { Actor } from "../../database/actors.ts";
import { ApiError, ValidationProblems } from "../../errors.ts";
import { maxThumbnailBytes } from "../../limits.ts";
import { readPaced } from "../paced-body.ts";
import { detectIntakeType, ThumbnailFile } from "../staged-file.ts";
import { transportStream } from "../type-detection.ts";
import type { StagedThumbnail } from "../upload-form.ts";
import { firstBytesOf } from "./growing-file.ts";
import { linkOrCopy } from "./link-or-copy.ts";
import type { ResumableServices } from "./resumable-services.ts";
import type { HeldUpload } from "./upload-leases.ts";

/**
 * Keeps a request's body as the image to be shown as the poster or preview of an unfinished upload, in place of an earlier
 * one.
 * @throws ValidationProblems for a body that is not an image, or too large; ApiError NOT_FOUND when the user has no such
 * unfinished upload, UNAUTHORIZED or FORBIDDEN when the actor lost the right meanwhile, UPLOAD_LOCKED, TOO_MANY_UPLOADS,
 * UPLOAD_TOO_SLOW, STORAGE_FULL, STORE_UNAVAILABLE; the AbortError of a client that disconnects
 */
export async function keepThumbnail(
  services: ResumableServices,
  { viewer, actor }: SignedIn,
  id: string,
  request: Request,
): Promise<void> {
  const held = await services.uploadLeases.acquire(viewer.id, id);
  try {
    if (held.upload.postId !== null) throw new ApiError("NOT_FOUND");
    const releaseSlot = services.uploadSlots.take(viewer.id);
    try {
      await receive(services, actor, held, request);
    } finally {
      releaseSlot();
    }
  } finally {
    await held.release();
  }
}

async function receive(
  { database, space, tempDir, uploadFolder, yieldToEventLoop }: ResumableServices,
  actor: Actor,
  { upload, lease, wanted }: HeldUpload,
  { body, headers }: Request,
): Promise<void> {
  const declared = Number(headers.get("content-length")) || 0;
  const claim = await space.claim(upload.userId, Math.min(declared, maxThumbnailBytes));
  try {
    await mkdir(tempDir, { recursive: true, mode: 0o700 });
    const temp = new ThumbnailFile(join(tempDir, crypto.randomUUID()));
    try {
      const take = async (chunk: Uint8Array) => {
        await yieldToEventLoop(async () => temp.write(chunk));
        await claim.received(temp.bytes);
        await temp.settle(false);
      };
      if (body) await readPaced(body as ReadableStream<Uint8Array<ArrayBuffer>>, take, wanted);
      await temp.settle(true);
      // Changes nothing, but repeats the checks of the actor and the lease.
      const { offset, sha256, expiresAt } = upload;
      if (!(await database.resumableUploads.advance(actor, lease, { offset, sha256, expiresAt })))
        throw new ApiError("UPLOAD_LOCKED");
      await linkOrCopy(temp.path, uploadFolder.thumbnailOf(upload.id));
    } finally {
      await temp.discard();
    }
  } finally {
    claim.release();
  }
}

/**
 * Gives the image that was kept for an upload a temp file of its own, which the caller must remove.
 * @returns undefined if none was kept
 */
export async function stageThumbnail(
  { tempDir, uploadFolder }: Pick<ResumableServices, "tempDir" | "uploadFolder">,
  uploadId: string,
): Promise<StagedThumbnail | undefined> {
  const kept = Bun.file(uploadFolder.thumbnailOf(uploadId));
  if (!(await kept.exists())) return undefined;
  const first = await firstBytesOf(kept.name!, kept.size);
  const type = await detectIntakeType(first, { transportStreams: false });
  if (!type || type === transportStream) return undefined;
  const path = join(tempDir, crypto.randomUUID());
  try {
    await linkOrCopy(kept.name!, path);
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
  return { file: Bun.file(path), type };
}

/** Whether a publication failed for the thumbnail only. */
export const isAboutThumbnail = (error: unknown): boolean =>
  error instanceof ValidationProblems && error.problems.every(({ loc }) => loc.at(-1) === "thumbnail");
