import type { SignedIn } from "../../accounts/authenticator.ts";
import { ApiError } from "../../errors.ts";
import { freeChunk } from "../../http/free-chunk.ts";
import { readPaced } from "../paced-body.ts";
import type { Checksum } from "./checksum.ts";
import { expiryFrom } from "./expiry.ts";
import { fileLimitsOf, GrowingFile } from "./growing-file.ts";
import { hashOfFile } from "./hash-of-file.ts";
import { isFinal, removeUpload } from "./removal.ts";
import type { ResumableServices } from "./resumable-services.ts";
import type { HeldUpload } from "./upload-leases.ts";

/** Bytes after which an upload's progress is recorded while more arrive, so that a crash loses no more. */
const recordedBytes = 16 * 1024 ** 2;

/** The state of an upload after a request. */
export interface Appended {
  readonly offset: number;
  readonly expiresAt: Date;
  /** The hash of the whole file, once every byte is on disk; until then null. */
  readonly sha256: string | null;
}

/** A request's body, whose bytes follow those of the upload. */
export interface UploadBody {
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>> | null;
  /** Its length; 0 if unknown. */
  readonly bytes: number;
  readonly checksum: Checksum | undefined;
}

/**
 * Appends the body to the upload. If the body breaks off, the bytes received so far are kept, unless the client sent a
 * checksum. The recorded offset, which clients see, never exceeds the bytes on disk and stays below the length: publishing
 * the post acknowledges the last byte. To retry a failed publication, clients send that byte again.
 *
 * An upload that cannot become a post is removed.
 * @throws ApiError UPLOAD_LENGTH_EXCEEDED; UNSUPPORTED_MEDIA and FILE_TOO_LARGE, which remove the upload;
 * CHECKSUM_MISMATCH, UPLOAD_TOO_SLOW, STORAGE_FULL, STORE_UNAVAILABLE; UPLOAD_LOCKED when another
 * request took the upload over; NOT_FOUND when it is gone; UNAUTHORIZED or FORBIDDEN when the actor lost the right
 * meanwhile; the AbortError of a client that disconnects
 */
export async function appendBody(
  services: ResumableServices,
  signedIn: SignedIn,
  held: HeldUpload,
  body: UploadBody,
): Promise<Appended> {
  const { upload } = held;
  if (body.bytes > upload.length - upload.offset) throw new ApiError("UPLOAD_LENGTH_EXCEEDED");
  // The file of a whole upload must not be written to, because a post may already refer to it.
  return upload.sha256 === null
    ? receive(services, signedIn, held, body)
    : readRest(services, signedIn, held, body);
}

async function receive(
  services: ResumableServices,
  { actor, viewer }: SignedIn,
  { upload, lease, wanted }: HeldUpload,
  { stream, bytes, checksum }: UploadBody,
): Promise<Appended> {
  const { database, uploadFolder, partialHashes, space, yieldToEventLoop } = services;
  const limits = fileLimitsOf(services);
  const path = uploadFolder.pathOf(upload.id);
  const known = partialHashes.get(upload.id);
  const knownHash = known?.offset === upload.offset ? known.hash.copy() : undefined;
  const hash = upload.offset === 0 ? new Bun.CryptoHasher("sha256") : knownHash;
  const file = await GrowingFile.open(path, upload, { isKnown: hash !== undefined });
  if (!file) {
    // The bytes are missing, for example after the disk was replaced.
    await database.resumableUploads.remove(upload.id);
    throw new ApiError("NOT_FOUND");
  }
  let recorded = upload.offset;

  /** Records bytes that are on disk. @throws ApiError UPLOAD_LOCKED, NOT_FOUND */
  async function record(durableOffset: number, sha256: string | null): Promise<Date> {
    const expiresAt = expiryFrom(Date.now());
    const progress = { offset: Math.min(durableOffset, upload.length - 1), sha256, expiresAt };
    if (!(await database.resumableUploads.advance(actor, lease, progress))) {
      const exists = await database.resumableUploads.find(viewer.id, upload.id, new Date());
      throw new ApiError(exists ? "UPLOAD_LOCKED" : "NOT_FOUND");
    }
    recorded = durableOffset;
    return expiresAt;
  }

  async function append(chunk: Uint8Array<ArrayBuffer>): Promise<void> {
    if (file!.offset + chunk.length > upload.length) throw new ApiError("UPLOAD_LENGTH_EXCEEDED");
    await yieldToEventLoop(async () => {
      hash?.update(chunk);
      checksum?.update(chunk);
      file!.append(chunk);
      freeChunk(chunk);
    });
    await claim.received(file!.offset - upload.offset);
    await file!.settle(limits);
    if (!checksum && file!.durableOffset - recorded >= recordedBytes) await record(file!.durableOffset, null);
  }

  async function flushAndRecord(): Promise<Appended> {
    await file!.flush();
    // The name of a new file must survive a power cut, too.
    if (upload.offset === 0) await uploadFolder.sync();
    const isWhole = file!.offset === upload.length;
    const sha256 = isWhole ? (hash?.digest("hex") ?? (await hashOfFile(path, yieldToEventLoop))) : null;
    const expiresAt = await record(file!.offset, sha256);
    // Not before: after a lost lease, the file may hold the bytes of another request.
    if (hash && !isWhole) partialHashes.set(upload.id, { offset: file!.offset, hash });
    return { offset: file!.offset, expiresAt, sha256 };
  }

  const claim = await space.claim(viewer.id, bytes);
  try {
    if (stream) await readPaced(stream, append, wanted);
    checksum?.verify();
    return await flushAndRecord();
  } catch (error) {
    if (isFinal(error)) {
      // A write that is still queued would create the file again.
      await file.close();
      await removeUpload(services, upload.id);
    } else if (!checksum && file.offset > recorded) await flushAndRecord().catch(() => {});
    throw error;
  } finally {
    claim.release();
    await file.close();
  }
}

/** Reads the rest of an upload whose bytes are all on disk, after its publication failed. */
async function readRest(
  { database }: ResumableServices,
  { actor }: SignedIn,
  { upload, lease, wanted }: HeldUpload,
  { stream, checksum }: UploadBody,
): Promise<Appended> {
  let { offset } = upload;
  if (stream)
    await readPaced(
      stream,
      async (chunk) => {
        offset += chunk.length;
        if (offset > upload.length) throw new ApiError("UPLOAD_LENGTH_EXCEEDED");
        checksum?.update(chunk);
        freeChunk(chunk);
      },
      wanted,
    );
  checksum?.verify();
  const expiresAt = expiryFrom(Date.now());
  const progress = { offset: upload.offset, sha256: upload.sha256, expiresAt };
  if (!(await database.resumableUploads.advance(actor, lease, progress))) throw new ApiError("UPLOAD_LOCKED");
  return offset === upload.length
    ? { offset, expiresAt, sha256: upload.sha256 }
    : { offset: upload.offset, expiresAt, sha256: null };
}
