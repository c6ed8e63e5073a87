import { S3Client } from "bun";
import type { S3Settings } from "../config.ts";
import { ApiError } from "../errors.ts";
import { mediaCacheControl } from "./cache-control.ts";
import { contentDisposition } from "./content-disposition.ts";
import { requireMediaKey } from "./keys.ts";
import { mayHaveSucceeded, retry } from "./persistently.ts";
import type { MediaStore, StorableFile, StoredMedia } from "./store.ts";
import { untilAborted } from "./until-aborted.ts";

/** How long a signed URL for reading stays valid. */
export const signedUrlLifetimeSeconds = 3600;
/** How long the signed URL of a call by this store stays valid. */
const callLifetimeSeconds = 600;

/**
 * Files in a bucket of an S3-compatible service. Bun's client signs, `fetch` moves the bytes: the client's own
 * calls cannot be aborted. One PUT per file (up to 5 GB) and no multipart upload, so that the object appears
 * whole or not at all and an upload that was cut leaves no parts that are paid for and seen by nobody. Needs
 * PutObject, GetObject and DeleteObject on the objects, and ListBucket on the bucket: without that, a missing
 * object is answered with 403.
 */
export class S3Store implements MediaStore {
  readonly name = "s3";
  readonly makesThumbnails = false;
  readonly mayCompleteLate = true;
  readonly #settings: S3Settings;
  readonly #retryPauseMs: number;
  readonly #client: S3Client;

  /** @param retryPauseMs before the first retry of a failed call; for tests */
  constructor(settings: S3Settings, { retryPauseMs = 500 } = {}) {
    this.#settings = settings;
    this.#retryPauseMs = retryPauseMs;
    const { bucket, endpoint, region, accessKeyId, secretAccessKey } = settings;
    this.#client = new S3Client({
      bucket,
      region,
      accessKeyId,
      secretAccessKey,
      ...(endpoint === null ? {} : { endpoint }),
    });
  }

  async put(key: string, file: StorableFile, signal: AbortSignal): Promise<StoredMedia> {
    requireMediaKey(key);
    const headers = {
      "Content-Type": file.contentType,
      "Content-Length": String(file.bytes),
      "Cache-Control": mediaCacheControl,
      "Content-Disposition": contentDisposition(file.displayName),
    };
    // A stream, anew for each attempt: given the file itself, fetch reads all of it into memory over TLS.
    await this.#call("PUT", key, signal, () => ({ body: file.file.stream(), headers }));
    return this.#stored(key);
  }

  async find(key: string, signal: AbortSignal): Promise<StoredMedia | null> {
    requireMediaKey(key);
    const found = await this.#call(
      "HEAD",
      key,
      signal,
      () => ({}),
      (refused) => refused.status === 404,
    );
    return found ? this.#stored(key) : null;
  }

  async delete(key: string, _storeId: string | null, signal: AbortSignal): Promise<void> {
    requireMediaKey(key);
    // A bucket that is not there is no deletion.
    await this.#call(
      "DELETE",
      key,
      signal,
      () => ({}),
      (refused) => refused.code === "NoSuchKey",
    );
  }

  /** An address at which anyone can read the file for an hour, by this method: where `/media/{key}` sends to. */
  signedAddress(key: string, method: "GET" | "HEAD" = "GET"): string {
    return this.#client.presign(requireMediaKey(key), { method, expiresIn: signedUrlLifetimeSeconds });
  }

  #stored(key: string): StoredMedia {
    const base = this.#settings.publicUrl?.replace(/\/+$/, "") ?? "/media";
    return { url: `${base}/${key}`, storeId: null, thumbnailUrl: null };
  }

  /** Makes the call, repeated where that helps. False: it was refused because of what `absent` recognises. */
  async #call(
    method: "PUT" | "HEAD" | "DELETE",
    key: string,
    signal: AbortSignal,
    init: () => BunFetchRequestInit,
    absent: (refused: Refused) => boolean = () => false,
  ): Promise<boolean> {
    const once = async () => {
      const address = this.#client.presign(key, { method, expiresIn: callLifetimeSeconds });
      const answer = await fetch(address, { ...init(), method, signal, redirect: "manual" });
      const text = await answer.text();
      if (!answer.ok) throw new Refused(answer, text);
    };
    try {
      await untilAborted(signal, () => retry(signal, this.#retryPauseMs, once));
      return true;
    } catch (failure) {
      if (signal.aborted) throw signal.reason;
      if (failure instanceof Refused && absent(failure)) return false;
      throw s3Error(failure);
    }
  }
}

/** An answer other than success. Of its XML only the error's code is kept. */
class Refused extends Error {
  readonly status: number;
  readonly headers: Headers;
  readonly code: string;
  /**
   * A body that came too slowly (408; Amazon answers it with 400 and the code RequestTimeout), or another call for the same
   * key at the same time (409).
   */
  readonly isTemporary: boolean;

  constructor(answer: Response, text: string) {
    const code = /<Code>(\w{1,60})<\/Code>/.exec(text)?.[1] ?? "";
    super(`S3 ${answer.status} ${code}`.trimEnd());
    this.status = answer.status;
    this.headers = answer.headers;
    this.code = code;
    this.isTemporary = answer.status === 408 || answer.status === 409 || code === "RequestTimeout";
  }
}

function s3Error(failure: unknown): ApiError {
  // Not fetch's own error: that holds the signed address.
  const lost = () => new Error(`S3 gave no answer: ${(failure as NodeJS.ErrnoException).code ?? "unknown"}`);
  if (!(failure instanceof Refused)) return new ApiError("STORE_UNAVAILABLE", { cause: lost() });
  const cause = failure;
  if (/Quota|StorageFull/i.test(failure.code) || failure.status === 507)
    return new ApiError("STORAGE_FULL", { cause });
  if (failure.code === "EntityTooLarge" || failure.status === 413)
    return new ApiError("FILE_TOO_LARGE", { cause });
  const passing = mayHaveSucceeded(failure) || failure.status === 429 || failure.isTemporary;
  return new ApiError(passing ? "STORE_UNAVAILABLE" : "STORE_FAILED", { cause });
}
