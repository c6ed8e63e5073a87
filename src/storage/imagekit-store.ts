import type ImageKit from "imagekit";

import { mediaTypes } from "../media-types.ts";
import {
  createImageKitClient,
  requestOptions,
  requestTimeoutMs,
  UnexpectedResponse,
  type ImageKitAccess,
} from "./imagekit-client.ts";
import { imageKitRenditions, readOriginal } from "./imagekit-delivery.ts";
import { imagekitError } from "./imagekit-errors.ts";
import { folder, imageKitLocation, imageKitUrl } from "./imagekit-location.ts";
import { requireMediaKey } from "./media-keys.ts";
import { multipartBody } from "./multipart-body.ts";
import { mayHaveSucceeded, retry } from "../concurrency/retry.ts";
import {
  streamOf,
  type MediaStore,
  type StorableFile,
  type StoredContent,
  type StoredMedia,
} from "./media-store.ts";
import { untilAborted } from "../concurrency/until-aborted.ts";

export interface ImageKitSettings extends ImageKitAccess {
  /** Base URL of the CDN: `https://ik.imagekit.io/<id>`. */
  readonly urlEndpoint: string;
  /** Returns how many seconds the upload of a file may take; see `config/upload-deadline.ts`. */
  readonly deadlineFor: (bytes: number) => number;
  /** Pause before the first retry of a failed call; for tests. */
  readonly retryPauseMs?: number;
}

/** Tag of this service's files, for the operator's own searches. */
const tag = "image-sharing";
/** Timeout for purging the CDN's copy after a delete. */
const purgeTimeoutMs = 2_000;

/** The fields that this store uses of ImageKit's file objects. */
interface ImageKitFile {
  readonly fileId: string;
  readonly name: string;
  readonly filePath?: string;
  readonly url: string;
  readonly size: number;
}

/**
 * Stores files in ImageKit through its SDK, which is loaded on the first call. The key is the file's name
 * (`useUniqueFileName` is off), so that a repeated upload becomes a new version of the same file, and the store can find a
 * file by its key when the response to its upload was lost. The `storeId` of an imported post tells where its file is, see
 * {@link imageKitLocation}.
 */
export class ImageKitStore implements MediaStore {
  readonly name = "imagekit";
  readonly makesRenditions = true;
  readonly isPublic = true;
  readonly mayCompleteLate = true;
  readonly #settings: ImageKitSettings;
  readonly #retryPauseMs: number;
  #loading: Promise<ImageKit> | undefined;

  constructor(settings: ImageKitSettings) {
    this.#settings = settings;
    this.#retryPauseMs = settings.retryPauseMs ?? 500;
  }

  async put(key: string, file: StorableFile, signal: AbortSignal): Promise<StoredMedia> {
    requireMediaKey(key);
    // The last quarter of the deadline is reserved for finding an upload whose response was lost.
    const until = performance.now() + this.#settings.deadlineFor(file.bytes) * 1000 * 0.75;
    return this.#withStoreErrors(signal, async (client) => {
      const upload = async () => {
        try {
          return fileFrom(await this.#upload(client, key, file, until, signal));
        } catch (failure) {
          signal.throwIfAborted();
          if (!mayHaveSucceeded(failure)) throw failure;
          const found = await this.#findByKey(client, key, signal);
          if (found?.size !== file.bytes) throw failure;
          return found;
        }
      };
      return storedMedia(key, await retry(signal, this.#retryPauseMs, upload, until));
    });
  }

  async find(key: string, signal: AbortSignal): Promise<StoredMedia | null> {
    requireMediaKey(key);
    return this.#withStoreErrors(signal, async (client) => {
      const found = await retry(signal, this.#retryPauseMs, () => this.#findByKey(client, key, signal));
      return found && storedMedia(key, found);
    });
  }

  async read(key: string, signal: AbortSignal, storeId: string | null = null): Promise<StoredContent | null> {
    const { path } = imageKitLocation(requireMediaKey(key), storeId);
    const url = imageKitUrl(this.#settings.urlEndpoint, path);
    return this.#withStoreErrors(signal, () =>
      retry(signal, this.#retryPauseMs, () => readOriginal(url, signal)),
    );
  }

  async delete(key: string, storeId: string | null, signal: AbortSignal): Promise<void> {
    requireMediaKey(key);
    await this.#withStoreErrors(signal, async (client) => {
      const { fileId, path } = imageKitLocation(key, storeId);
      let id = fileId;
      await retry(signal, this.#retryPauseMs, async () => {
        id ??= (await this.#findByPath(client, path, signal))?.fileId ?? null;
        if (id === null) return;
        const answer = await this.#deleteById(client, id, signal);
        if (answer === "removed") return;
        // The id may be wrong and the file stored under another one, so look it up by its name.
        const found = await this.#findByPath(client, path, signal);
        if (found === null || (answer === "absent" && found.fileId === id)) return;
        id = found.fileId;
        throw new UnexpectedResponse("file still exists");
      });
      await this.#purge(client, path, signal);
    });
  }

  /** Uploads without retries. Returns the raw response, to be checked with `fileFrom`. */
  async #upload(
    client: ImageKit,
    key: string,
    file: StorableFile,
    until: number,
    signal: AbortSignal,
  ): Promise<unknown> {
    const form = multipartBody(
      { fileName: key, useUniqueFileName: "false", folder, tags: tag },
      { name: key, contentType: file.contentType, bytes: file.bytes, content: streamOf(file) },
    );
    return client.post("/api/v1/files/upload", {
      defaultBaseURL: "https://upload.imagekit.io",
      body: form.stream,
      headers: { "content-type": form.contentType, "content-length": String(form.contentLength) },
      ...requestOptions(until - performance.now(), signal),
    });
  }

  #findByKey(client: ImageKit, key: string, signal: AbortSignal): Promise<ImageKitFile | null> {
    return this.#findByPath(client, `${folder}/${key}`, signal);
  }

  async #findByPath(client: ImageKit, path: string, signal: AbortSignal): Promise<ImageKitFile | null> {
    const name = path.slice(path.lastIndexOf("/") + 1);
    const answer: unknown = await client.get("/v1/files", {
      query: { path: path.slice(0, -name.length - 1) || "/", searchQuery: `name="${name}"`, limit: 10 },
      ...requestOptions(requestTimeoutMs, signal),
    });
    // Not null: the caller would forget a file that may exist.
    if (!Array.isArray(answer)) throw new UnexpectedResponse("no list of files");
    const match: unknown = answer.find(
      (entry: Partial<ImageKitFile> | null) => entry?.name === name && (entry.filePath ?? path) === path,
    );
    return match === undefined ? null : fileFrom(match);
  }

  /** Deletes by id without retries. "unclear" means that ImageKit rejected the id or sent an unexpected response. */
  async #deleteById(
    client: ImageKit,
    id: string,
    signal: AbortSignal,
  ): Promise<"removed" | "absent" | "unclear"> {
    try {
      const answer: unknown = await client.delete(`/v1/files/${encodeURIComponent(id)}`, {
        ...requestOptions(requestTimeoutMs, signal),
      });
      return answer === null ? "removed" : "unclear";
    } catch (failure) {
      const { status } = failure as { status?: number };
      if (status === 404) return "absent";
      if (status === 400) return "unclear";
      throw failure;
    }
  }

  /** Purges the CDN's copy. Failures are ignored, because the file itself is already deleted. */
  async #purge(client: ImageKit, path: string, signal: AbortSignal): Promise<void> {
    const url = imageKitUrl(this.#settings.urlEndpoint, path);
    await client
      .post("/v1/files/purge", { body: { url }, ...requestOptions(purgeTimeoutMs, signal) })
      .catch(() => undefined);
  }

  /** Runs `work` until the signal aborts and maps its failures to API errors. */
  async #withStoreErrors<T>(signal: AbortSignal, work: (client: ImageKit) => Promise<T>): Promise<T> {
    try {
      return await untilAborted(signal, async () => work(await this.#client()));
    } catch (failure) {
      if (signal.aborted) throw signal.reason;
      throw imagekitError(failure, this.#settings.privateKey);
    }
  }

  #client(): Promise<ImageKit> {
    return (this.#loading ??= createImageKitClient(this.#settings));
  }
}

function fileFrom(answer: unknown): ImageKitFile {
  const file = (typeof answer === "object" && answer !== null ? answer : {}) as Partial<ImageKitFile>;
  if (typeof file.fileId !== "string" || file.fileId === "" || !/^https?:\/\//.test(file.url ?? "")) {
    throw new UnexpectedResponse("no file object");
  }
  return file as ImageKitFile;
}

const videoEndings = Object.values(mediaTypes)
  .filter(({ kind }) => kind === "video")
  .map(({ extension }) => `.${extension}`);

function storedMedia(key: string, { url, fileId: storeId }: ImageKitFile): StoredMedia {
  const kind = videoEndings.some((ending) => key.endsWith(ending)) ? "video" : "image";
  return { url, storeId, renditions: imageKitRenditions(url, kind) };
}
