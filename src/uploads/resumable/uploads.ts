import type { SignedIn } from "../../accounts/authenticator.ts";
import type { ResumableUpload } from "../../database/resumable-uploads.ts";
import { ApiError } from "../../errors.ts";
import { requireQuotaLeft } from "../quota.ts";
import { tooLarge } from "../staged-file.ts";
import { appendBody, type UploadBody } from "./appending.ts";
import { Checksum } from "./checksum.ts";
import { expiryFrom } from "./expiry.ts";
import { finishUpload } from "./finishing.ts";
import { readUploadLength, readUploadOffset } from "./protocol.ts";
import { forgetBytes, removeUpload } from "./removal.ts";
import type { ResumableServices } from "./resumable-services.ts";
import { readMetadata } from "./upload-metadata.ts";
import type { HeldUpload } from "./upload-leases.ts";

/** Unfinished uploads of an account; their bytes are limited to this many times those of the largest file. */
const maxUnfinished = 100;
const maxUnfinishedFiles = 10;

/** Seconds after which a client with too many unfinished uploads may try again. */
const retryAfterSeconds = 60;

/** What responses tell about an upload. */
export interface UploadState {
  readonly offset: number;
  readonly expiresAt: Date;
  /** Null until the post is published. */
  readonly postId: string | null;
}

/** The size of the largest file (`Tus-Max-Size`). */
export const maxUploadBytes = ({ config }: Pick<ResumableServices, "config">): number =>
  Math.max(config.maxImageSize, config.maxVideoSize);

/**
 * Begins an upload. What is known about the file is checked as for a plain upload.
 * @throws ValidationProblems for bad headers; ApiError FILE_TOO_LARGE, TOO_MANY_REQUESTS, QUOTA_EXCEEDED, STORAGE_FULL,
 * TOO_MANY_UNFINISHED; UNAUTHORIZED or FORBIDDEN when the actor lost the right meanwhile
 */
export async function createUpload(
  services: ResumableServices,
  { viewer, actor }: SignedIn,
  request: Request,
): Promise<ResumableUpload> {
  const { database, limits, connections, space, uploadFolder, nodeUrl } = services;
  const { headers } = request;
  const length = readUploadLength(headers);
  const metadata = headers.get("upload-metadata");
  readMetadata(metadata);
  // Creation: "If the length of the upload exceeds the maximum, […] the Server MUST respond with the 413 Request Entity Too
  // Large status."
  const maxBytes = maxUploadBytes(services);
  if (length > maxBytes) throw tooLarge(maxBytes);
  await limits.upload({ address: connections.addressOf(request), account: viewer.id });
  if (length > (await requireQuotaLeft(services, viewer.id, new Headers())))
    throw new ApiError("QUOTA_EXCEEDED");
  (await space.claim(viewer.id, length)).release();
  const now = Date.now();
  const upload = {
    id: crypto.randomUUID(),
    folder: uploadFolder.id,
    nodeUrl: nodeUrl(),
    length,
    metadata,
    expiresAt: expiryFrom(now),
  };
  const allowed = { uploads: maxUnfinished, bytes: maxUnfinishedFiles * maxBytes };
  if (!(await database.resumableUploads.add(actor, upload, allowed, new Date(now))))
    throw new ApiError("TOO_MANY_UNFINISHED", { headers: { "retry-after": String(retryAfterSeconds) } });
  return { ...upload, userId: viewer.id, offset: 0, sha256: null, postId: null };
}

/**
 * Returns a user's upload.
 * @throws ApiError NOT_FOUND when the user has no such upload, or it has expired
 */
export async function requireUpload(
  { database }: Pick<ResumableServices, "database">,
  userId: string,
  id: string,
): Promise<ResumableUpload> {
  const upload = await database.resumableUploads.find(userId, id, new Date());
  if (!upload) throw new ApiError("NOT_FOUND");
  return upload;
}

/**
 * Returns the state of an upload once no request works on it, so that no byte is sent twice.
 * @throws ApiError NOT_FOUND, UPLOAD_LOCKED
 */
export async function settledUpload(
  { uploadLeases }: ResumableServices,
  { viewer }: SignedIn,
  id: string,
): Promise<ResumableUpload> {
  const held = await uploadLeases.acquire(viewer.id, id);
  await held.release();
  return held.upload;
}

/** The body of a request, whose headers say what it is. @throws ApiError BAD_CHECKSUM */
const bodyOf = ({ body, headers }: Request): UploadBody => ({
  stream: body as ReadableStream<Uint8Array<ArrayBuffer>> | null,
  bytes: Number(headers.get("content-length")) || 0,
  checksum: Checksum.read(headers),
});

/**
 * Appends a request's body at its `Upload-Offset`, and publishes the post when the file is whole. A publication goes on
 * when the client disconnects.
 * @throws ApiError UPLOAD_OFFSET, TOO_MANY_UPLOADS; those of {@link appendBody} and {@link finishUpload}
 */
export async function continueUpload(
  services: ResumableServices,
  signedIn: SignedIn,
  id: string,
  request: Request,
): Promise<UploadState> {
  const offset = readUploadOffset(request.headers);
  const body = bodyOf(request);
  const held = await services.uploadLeases.acquire(signedIn.viewer.id, id);
  try {
    // PATCH: "If the offsets do not match, the Server MUST respond with the 409 Conflict status without modifying the upload
    // resource."
    if (offset !== held.upload.offset) throw new ApiError("UPLOAD_OFFSET");
    if (held.upload.postId !== null) return held.upload;
    return await appendAndFinish(services, signedIn, held, body, new AbortController().signal);
  } finally {
    await held.release();
  }
}

/**
 * Appends the body of the request that has created the upload. When that fails the upload is removed, because the client
 * does not get its address.
 * @throws as {@link continueUpload}
 */
export async function beginUpload(
  services: ResumableServices,
  signedIn: SignedIn,
  upload: ResumableUpload,
  request: Request,
): Promise<UploadState> {
  const held = await services.uploadLeases.acquire(signedIn.viewer.id, upload.id);
  try {
    return await appendAndFinish(services, signedIn, held, bodyOf(request), request.signal);
  } catch (error) {
    await removeUpload(services, upload.id);
    throw error;
  } finally {
    await held.release();
  }
}

async function appendAndFinish(
  services: ResumableServices,
  signedIn: SignedIn,
  held: HeldUpload,
  body: UploadBody,
  gone: AbortSignal,
): Promise<UploadState> {
  const releaseSlot = services.uploadSlots.take(signedIn.viewer.id);
  try {
    const { sha256, ...appended } = await appendBody(services, signedIn, held, body);
    if (sha256 === null) return { ...appended, postId: null };
    const finished = await finishUpload(services, signedIn, { ...held.upload, sha256 }, gone);
    return { ...appended, ...finished };
  } finally {
    releaseSlot();
  }
}

/**
 * Ends an upload and removes its bytes; its post, if it is published already, stays.
 * @throws ApiError NOT_FOUND, UPLOAD_LOCKED; UNAUTHORIZED or FORBIDDEN when the actor lost the right meanwhile
 */
export async function terminateUpload(
  services: ResumableServices,
  { viewer, actor }: SignedIn,
  id: string,
): Promise<void> {
  const held = await services.uploadLeases.acquire(viewer.id, id);
  try {
    if (!(await services.database.resumableUploads.terminate(actor, held.lease)))
      throw new ApiError("NOT_FOUND");
    await forgetBytes(services, id);
  } finally {
    await held.release();
  }
}
