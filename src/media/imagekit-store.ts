import type ImageKit from "imagekit";
import { imagekitError } from "./imagekit-failures.ts";
import { requireMediaKey } from "./keys.ts";
import { multipartBody } from "./multipart-body.ts";
import { mayHaveSucceeded, retry } from "./persistently.ts";
import type { MediaStore, StorableFile, StoredMedia } from "./store.ts";
import { untilAborted } from "./until-aborted.ts";

export interface ImageKitSettings {
  readonly privateKey: string;
  /** `https://ik.imagekit.io/<id>`, under which the CDN delivers. */
  readonly urlEndpoint: string;
  /** Where every call goes instead of the vendor's hosts; null: the vendor's. */
  readonly baseUrl: string | null;
  /** Seconds that a file of so many bytes may take; see `deadlineFor`. */
  readonly deadlineFor: (bytes: number) => number;
  /** Milliseconds before the first repetition of a failed call. */
  readonly pause?: number;
}

/** Where our files lie in the account, and the tag by which they can be told from others. */
const folder = "/image-sharing";
const tag = "image-sharing";
/** Milliseconds for one answer of the management API. */
const requestTimeoutMs = 10_000;
/** Milliseconds that a delete spends on the CDN's copy. */
const purgeTimeoutMs = 2_000;

/** What of ImageKit's description of a file we use. */
interface File {
  readonly fileId: string;
  readonly name: string;
  readonly url: string;
  readonly size: number;
}

/**
 * Files in ImageKit, through its SDK, which is loaded with the first call. `useUniqueFileName` is off and the key
 * is the file's name, so a repeated upload is a new version of the same file, and after a lost answer the file
 * can be looked for by its key.
 */
export class ImageKitStore implements MediaStore {
  readonly name = "imagekit";
  readonly makesThumbnails = true;
  readonly mayCompleteLate = true;
  readonly #settings: ImageKitSettings;
  readonly #pause: number;
  #loading: Promise<ImageKit> | undefined;

  constructor(settings: ImageKitSettings) {
    this.#settings = settings;
    this.#pause = settings.pause ?? 500;
  }

  async put(key: string, file: StorableFile, signal: AbortSignal): Promise<StoredMedia> {
    requireMediaKey(key);
    // The last quarter of the deadline is for finding out what became of an upload without an answer.
    const until = performance.now() + this.#settings.deadlineFor(file.bytes) * 750;
    return this.#withStoreErrors(signal, async (client) => {
      const upload = async () => {
        try {
          return fileFrom(await this.#upload(client, key, file, until, signal));
        } catch (failure) {
          signal.throwIfAborted();
          if (!mayHaveSucceeded(failure)) throw failure;
          const found = await this.#look(client, key, signal);
          if (found?.size !== file.bytes) throw failure;
          return found;
        }
      };
      return storedMedia(key, await retry(signal, this.#pause, upload, until));
    });
  }

  async find(key: string, signal: AbortSignal): Promise<StoredMedia | null> {
    requireMediaKey(key);
    return this.#withStoreErrors(signal, async (client) => {
      const found = await retry(signal, this.#pause, () => this.#look(client, key, signal));
      return found && storedMedia(key, found);
    });
  }

  async delete(key: string, storeId: string | null, signal: AbortSignal): Promise<void> {
    requireMediaKey(key);
    await this.#withStoreErrors(signal, async (client) => {
      let id = storeId;
      await retry(signal, this.#pause, async () => {
        id ??= (await this.#look(client, key, signal))?.fileId ?? null;
        if (id === null) return;
        const answer = await this.#remove(client, id, signal);
        if (answer === "removed") return;
        // The id may be wrong and the file there under another one: the key decides.
        const found = await this.#look(client, key, signal);
        if (found === null || (answer === "absent" && found.fileId === id)) return;
        id = found.fileId;
        throw new UnexpectedResponse("file still there");
      });
      await this.#purge(client, key, signal);
    });
  }

  /** Uploads once. The answer is as it came: judge it with `fileFrom`. */
  async #upload(
    client: ImageKit,
    key: string,
    file: StorableFile,
    until: number,
    signal: AbortSignal,
  ): Promise<unknown> {
    const form = multipartBody(
      { fileName: key, useUniqueFileName: "false", folder: folder, tags: tag },
      { name: key, contentType: file.contentType, bytes: file.bytes, content: file.file },
    );
    return client.post("/api/v1/files/upload", {
      defaultBaseURL: "https://upload.imagekit.io",
      body: form.stream,
      headers: { "content-type": form.contentType, "content-length": String(form.contentLength) },
      ...requestOptions(until - performance.now(), signal),
    });
  }

  async #look(client: ImageKit, key: string, signal: AbortSignal): Promise<File | null> {
    const answer: unknown = await client.get("/v1/files", {
      query: { path: folder, searchQuery: `name="${key}"`, limit: 10 },
      ...requestOptions(requestTimeoutMs, signal),
    });
    // Never "not there" because of an answer that is not one: a row would go and its bytes would stay.
    if (!Array.isArray(answer)) throw new UnexpectedResponse("no list of files");
    const ours: unknown = answer.find((entry: Partial<File> | null) => entry?.name === key);
    return ours === undefined ? null : fileFrom(ours);
  }

  /** Deletes by id once. "unclear": the id says nothing to ImageKit, or the answer is not one of its own. */
  async #remove(
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

  /** Asks the CDN to forget its copy. The file is gone already, so a failure is nobody's. */
  async #purge(client: ImageKit, key: string, signal: AbortSignal): Promise<void> {
    const url = `${this.#settings.urlEndpoint.replace(/\/+$/, "")}${folder}/${key}`;
    await client
      .post("/v1/files/purge", { body: { url }, ...requestOptions(purgeTimeoutMs, signal) })
      .catch(() => undefined);
  }

  /** Does the work requestOptions the signal, with every failure in the API's words. */
  async #withStoreErrors<T>(signal: AbortSignal, work: (client: ImageKit) => Promise<T>): Promise<T> {
    try {
      return await untilAborted(signal, async () => work(await this.#client()));
    } catch (failure) {
      if (signal.aborted) throw signal.reason;
      throw imagekitError(failure, this.#settings.privateKey);
    }
  }

  #client(): Promise<ImageKit> {
    const { privateKey, baseUrl } = this.#settings;
    this.#loading ??= import("imagekit").then(
      // Everything is said here, or the SDK would look for it in the environment.
      ({ default: Client }) =>
        new Client({
          privateKey,
          password: "unused",
          webhookSecret: null,
          baseURL: baseUrl,
          logLevel: "off",
        }),
    );
    return this.#loading;
  }
}

/**
 * Options of one call that ends with the signal or after so many milliseconds. The SDK's own time-out, an integer,
 * ends with the answer's headers; ours holds for its body too.
 */
function requestOptions(milliseconds: number, signal: AbortSignal) {
  const timeout = Math.max(1, Math.round(milliseconds));
  return { maxRetries: 0, timeout, signal: AbortSignal.any([signal, AbortSignal.timeout(timeout)]) };
}

/** An answer that came and cannot be used: a 202, no `fileId`, no JSON. */
class UnexpectedResponse extends Error {}

function fileFrom(answer: unknown): File {
  const file = (typeof answer === "object" && answer !== null ? answer : {}) as Partial<File>;
  if (typeof file.fileId !== "string" || file.fileId === "" || !/^https?:\/\//.test(file.url ?? "")) {
    throw new UnexpectedResponse("no description of a file");
  }
  return file as File;
}

function storedMedia(key: string, file: File): StoredMedia {
  const picture = /\.(?:mp4|mov|webm|mkv|avi|3gp|mpg)$/.test(key) ? `${file.url}/ik-thumbnail.jpg` : file.url;
  return { url: file.url, storeId: file.fileId, thumbnailUrl: `${picture}?tr=w-640,h-640,c-at_max` };
}
