import { S3Client } from "bun";
import type { S3Settings } from "../config/config.ts";
import { ApiError } from "../errors.ts";
import { mediaCacheControl } from "../http/cache-control.ts";
import { readBounded } from "../http/bounded-fetch.ts";
import { contentDisposition } from "../http/content-disposition.ts";
import { requireMediaKey } from "./media-keys.ts";
import { mayHaveSucceeded, retry } from "../concurrency/retry.ts";
import {
  streamOf,
  type MediaStore,
  type StorableFile,
  type StoredContent,
  type StoredMedia,
} from "./media-store.ts";
import { responseContent } from "./response-content.ts";
import { untilAborted } from "../concurrency/until-aborted.ts";

/** How long a signed URL for reading stays valid. */
export const signedUrlLifetimeSeconds = 3600;
/** How long the signed URL of a call by this store stays valid. */
const callLifetimeSeconds = 600;

/** Bytes of a response other than a file. An error has about a kilobyte of XML. */
const maxResponseBytes = 64 * 1024;

/**
 * Stores files in a bucket of an S3-compatible service. Bun's client signs URLs and `fetch` moves the bytes, because the
 * client's own calls cannot be aborted. Each file is one PUT (up to 5 GB): the object appears complete or not at all, and
 * an interrupted upload leaves no billable parts behind, as a multipart upload would. Requires PutObject, GetObject and
 * DeleteObject on the objects, and ListBucket on the bucket: without it, S3 answers 403 for a missing object.
 */
export class S3Store implements MediaStore {
  readonly name = "s3";
  readonly makesRenditions = false;
  readonly isPublic: boolean;
  readonly mayCompleteLate = true;
  readonly #settings: S3Settings;
  readonly #retryPauseMs: number;
  readonly #client: S3Client;

  /** @param retryPauseMs pause before the first retry of a failed call; for tests */
  constructor(settings: S3Settings, { retryPauseMs = 500 } = {}) {
    this.#settings = settings;
    this.isPublic = settings.publicUrl !== null;
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
    // A new stream for each attempt. Given the file itself, fetch would read all of it into memory over TLS.
    await this.#call("PUT", key, signal, () => ({ body: streamOf(file), headers }));
    return this.#stored(key);
  }

  async find(key: string, signal: AbortSignal): Promise<StoredMedia | null> {
    requireMediaKey(key);
    const found = await this.#call(
      "HEAD",
      key,
      signal,
      () => ({}),
      ({ status }) => status === 404,
    );
    return found ? this.#stored(key) : null;
  }

  async read(key: string, signal: AbortSignal): Promise<StoredContent | null> {
    requireMediaKey(key);
    const response = await this.#send(
      "GET",
      key,
      signal,
      () => ({}),
      async (found) => found,
      ({ code }) => code === "NoSuchKey",
    );
    return response && responseContent(response);
  }

  /** From the ETag, which is the MD5 of a file that was sent in one PUT, unless the bucket encrypts it with a key of its own. */
  async md5(key: string, signal: AbortSignal): Promise<string | null> {
    requireMediaKey(key);
    const tagOf = async ({ headers }: Response) => headers.get("etag") ?? "";
    const tag = await this.#send(
      "HEAD",
      key,
      signal,
      () => ({}),
      tagOf,
      ({ status }) => status === 404,
    );
    return /^"?([0-9a-f]{32})"?$/i.exec(tag ?? "")?.[1]?.toLowerCase() ?? null;
  }

  async delete(key: string, _storeId: string | null, signal: AbortSignal): Promise<void> {
    requireMediaKey(key);
    // A missing bucket (NoSuchBucket) does not count as deleted.
    await this.#call(
      "DELETE",
      key,
      signal,
      () => ({}),
      ({ code }) => code === "NoSuchKey",
    );
  }

  /** Returns a URL that lets anyone read the file by this method for {@link signedUrlLifetimeSeconds}. */
  signedUrl(key: string, method: "GET" | "HEAD" = "GET"): string {
    return this.#client.presign(requireMediaKey(key), { method, expiresIn: signedUrlLifetimeSeconds });
  }

  #stored(key: string): StoredMedia {
    const base = this.#settings.publicUrl?.replace(/\/+$/, "") ?? "/media";
    return { url: `${base}/${key}`, storeId: null, renditions: null };
  }

  /**
   * Makes a call whose response has no content, and retries temporary failures.
   * @returns false when the call failed with an error that `isAbsent` recognises
   */
  async #call(
    method: "PUT" | "HEAD" | "DELETE",
    key: string,
    signal: AbortSignal,
    init: () => BunFetchRequestInit,
    isAbsent?: (error: S3Error) => boolean,
  ): Promise<boolean> {
    const answer = await this.#send(method, key, signal, init, textOf, isAbsent);
    return answer !== null;
  }

  /**
   * Makes a call and retries temporary failures.
   * @param use gets the successful response
   * @returns null when the call failed with an error that `isAbsent` recognises
   */
  async #send<T>(
    method: "GET" | "PUT" | "HEAD" | "DELETE",
    key: string,
    signal: AbortSignal,
    init: () => BunFetchRequestInit,
    use: (response: Response) => Promise<T>,
    isAbsent: (error: S3Error) => boolean = () => false,
  ): Promise<T | null> {
    const once = async () => {
      const url = this.#client.presign(key, { method, expiresIn: callLifetimeSeconds });
      const response = await fetch(url, { ...init(), method, signal, redirect: "manual" });
      if (!response.ok) throw new S3Error(response, await textOf(response));
      return use(response);
    };
    try {
      return await untilAborted(signal, () => retry(signal, this.#retryPauseMs, once));
    } catch (failure) {
      if (signal.aborted) throw signal.reason;
      if (failure instanceof S3Error && isAbsent(failure)) return null;
      throw s3Error(failure);
    }
  }
}

const textOf = async (response: Response) => (await readBounded(response, maxResponseBytes)).toString();

/** An error response. Only the error code of its XML is kept. */
class S3Error extends Error {
  readonly status: number;
  readonly headers: Headers;
  readonly code: string;
  /**
   * Whether a retry may succeed: the body arrived too slowly (408; Amazon sends 400 with the code RequestTimeout), or
   * another call for the same key was running (409).
   */
  readonly isTemporary: boolean;

  constructor({ status, headers }: Response, text: string) {
    const code = /<Code>(\w{1,60})<\/Code>/.exec(text)?.[1] ?? "";
    super(`S3 ${status} ${code}`.trimEnd());
    this.status = status;
    this.headers = headers;
    this.code = code;
    this.isTemporary = status === 408 || status === 409 || code === "RequestTimeout";
  }
}

function s3Error(failure: unknown): ApiError {
  if (!(failure instanceof S3Error)) {
    // Not fetch's own error, which contains the signed URL.
    const { code = "unknown" } = failure as NodeJS.ErrnoException;
    return new ApiError("STORE_UNAVAILABLE", { cause: new Error(`S3 gave no answer: ${code}`) });
  }
  const cause = failure;
  if (/Quota|StorageFull/i.test(failure.code) || failure.status === 507)
    return new ApiError("STORAGE_FULL", { cause });
  if (failure.code === "EntityTooLarge" || failure.status === 413)
    return new ApiError("FILE_TOO_LARGE", { cause });
  const isTemporary = mayHaveSucceeded(failure) || failure.status === 429 || failure.isTemporary;
  return new ApiError(isTemporary ? "STORE_UNAVAILABLE" : "STORE_FAILED", { cause });
}
