import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import type { SignedIn } from "../../accounts/authenticator.ts";
import type { ResumableUpload } from "../../database/resumable-uploads.ts";
import type { PublishedPost } from "../../database/published-posts.ts";
import { deleteOrphanedMedia } from "../orphaned-media.ts";
import { publish } from "../publishing.ts";
import { intakeName, kindOf, type IntakeType } from "../staged-file.ts";
import { discardStaged } from "../staged-upload.ts";
import type { StagedUpload, UploadWith } from "../upload-form.ts";
import { expiryFrom } from "./expiry.ts";
import { fileLimitsOf, firstBytesOf, requireAccepted } from "./growing-file.ts";
import { linkOrCopy } from "./link-or-copy.ts";
import { forgetBytes, isFinal, removeUpload } from "./removal.ts";
import type { ResumableServices } from "./resumable-services.ts";
import { isAboutThumbnail, stageThumbnail } from "./thumbnail.ts";
import { readMetadata, type UploadTexts } from "./upload-metadata.ts";

/** An upload whose bytes are all on disk. */
export type WholeUpload = ResumableUpload & { readonly sha256: string };

/** A published upload. */
export interface Finished {
  readonly postId: string;
  readonly expiresAt: Date;
}

/**
 * Makes a post of an upload whose bytes are all on disk, as a plain upload does. The upload's id is its idempotency key.
 * The caller must hold the upload's lease, so no other request is doing the same.
 *
 * An upload that cannot become a post is removed. After any other failure its bytes are still there.
 * @param gone aborts the publication
 * @throws ApiError and ValidationProblems as {@link publish} does
 */
export async function finishUpload(
  services: ResumableServices,
  signedIn: SignedIn,
  upload: WholeUpload,
  gone: AbortSignal,
): Promise<Finished> {
  const { database } = services;
  try {
    const earlier = await earlierPost(services, upload);
    const { id } = earlier ?? (await publishUpload(services, signedIn, upload, gone));
    const expiresAt = expiryFrom(Date.now());
    await database.resumableUploads.finish(upload.id, id, expiresAt);
    await forgetBytes(services, upload.id);
    return { postId: id, expiresAt };
  } catch (error) {
    if (isFinal(error)) await removeUpload(services, upload.id);
    throw error;
  }
}

/** No `Idempotency-Key` contains a space. */
const uploadKeyOf = ({ id }: ResumableUpload) => `upload ${id}`;

/**
 * Returns the post that a request published before it crashed or lost the database. Removes what an unfinished attempt has
 * left.
 */
async function earlierPost(
  services: ResumableServices,
  upload: ResumableUpload,
): Promise<PublishedPost | undefined> {
  const { posts } = services.database;
  const earlier = await posts.byUploadKey(upload.userId, uploadKeyOf(upload));
  if (!earlier) return undefined;
  const post = await posts.byId(earlier.id);
  if (post) return post;
  const media = await posts.abandon(earlier.id, new Date());
  if (media) await deleteOrphanedMedia(services, media);
  return undefined;
}

/** Publishes the file; without its thumbnail if only that cannot be used, because the file has taken long to arrive. */
async function publishUpload(
  services: ResumableServices,
  signedIn: SignedIn,
  upload: WholeUpload,
  gone: AbortSignal,
): Promise<PublishedPost> {
  try {
    return await publishFile(services, signedIn, upload, { gone, withThumbnail: true });
  } catch (error) {
    if (!isAboutThumbnail(error)) throw error;
    return await publishFile(services, signedIn, upload, { gone, withThumbnail: false });
  }
}

async function publishFile(
  services: ResumableServices,
  signedIn: SignedIn,
  upload: WholeUpload,
  { gone, withThumbnail }: { gone: AbortSignal; withThumbnail: boolean },
): Promise<PublishedPost> {
  const { tempDir, uploadFolder, rewrapUpload } = services;
  const texts = readMetadata(upload.metadata);
  const stored = uploadFolder.pathOf(upload.id);
  const first = await firstBytesOf(stored, upload.length);
  const type = await requireAccepted(first, upload.length, fileLimitsOf(services));
  await mkdir(tempDir, { recursive: true, mode: 0o700 });
  const path = join(tempDir, crypto.randomUUID());
  let received: UploadWith<IntakeType> = stagedAs(path, upload, type, texts);
  let staged: StagedUpload | undefined;
  try {
    // A second name, which the media store may take, so that the bytes survive a failed publication. Their metadata may have
    // been overwritten by then, which does no harm to a repetition.
    await linkOrCopy(stored, path);
    if (withThumbnail) received = { ...received, thumbnail: await stageThumbnail(services, upload.id) };
    staged = rewrapUpload
      ? await rewrapUpload(received, signedIn.viewer.id, gone)
      : (received as StagedUpload);
    const { caption, alt } = texts;
    return await publish(services, signedIn, { staged, caption, alt, uploadKey: uploadKeyOf(upload), gone });
  } finally {
    await discardStaged(staged ?? received);
  }
}

const stagedAs = (
  path: string,
  { length, sha256 }: WholeUpload,
  type: IntakeType,
  { filename }: UploadTexts,
): UploadWith<IntakeType> => ({
  file: Bun.file(path),
  thumbnail: undefined,
  texts: {},
  facts: { sha256, bytes: length, type, kind: kindOf(type), displayName: intakeName(filename, type) },
});
