import { retry } from "../concurrency/retry.ts";
import {
  createImageKitClient,
  requestOptions,
  requestTimeoutMs,
  UnexpectedResponse,
  type ImageKitAccess,
} from "./imagekit-client.ts";
import { imagekitError } from "./imagekit-errors.ts";

/** A file in an ImageKit account. */
export interface ListedFile {
  readonly fileId: string;
  /** The path below the URL endpoint, with a slash at its start. */
  readonly path: string;
  readonly bytes: number;
  readonly width: number | null;
  readonly height: number | null;
}

/** Files per request: the most that ImageKit returns. */
const pageSize = 1000;
const retryPauseMs = 500;

/**
 * Lists all files of an ImageKit account, oldest first, page by page.
 * @throws ApiError, without secrets, if ImageKit does not list them; the signal's reason
 */
export async function* listImageKitFiles(
  access: ImageKitAccess,
  signal: AbortSignal,
): AsyncGenerator<ListedFile[]> {
  const client = await createImageKitClient(access);
  let before: unknown[] = [];
  for (let skip = 0; ; skip += pageSize) {
    const query = { type: "file", sort: "ASC_CREATED", limit: pageSize, skip };
    const page = await retry(signal, retryPauseMs, async () => {
      const answer: unknown = await client.get("/v1/files", {
        query,
        ...requestOptions(requestTimeoutMs, signal),
      });
      if (!Array.isArray(answer)) throw new UnexpectedResponse("no list of files");
      return answer as unknown[];
    }).catch((failure: unknown) => {
      signal.throwIfAborted();
      throw imagekitError(failure, access.privateKey);
    });
    // A server that ignores `skip` would otherwise be read forever.
    if (before.length > 0 && Bun.deepEquals(page, before))
      throw imagekitError(new UnexpectedResponse("the same files again"), access.privateKey);
    before = page;
    yield page.flatMap(listedFile);
    if (page.length < pageSize) return;
  }
}

/** @returns an empty array for an entry that is no file */
function listedFile(entry: unknown): ListedFile[] {
  const { fileId, filePath, size, width, height } = (entry ?? {}) as Record<string, unknown>;
  if (typeof fileId !== "string" || !fileIdPattern.test(fileId) || typeof filePath !== "string") return [];
  return [
    {
      fileId,
      path: filePath,
      bytes: countOf(size, Number.MAX_SAFE_INTEGER) ?? 0,
      width: countOf(width, maxSide),
      height: countOf(height, maxSide),
    },
  ];
}

/** What a `store_id` can hold in front of a path. */
const fileIdPattern = /^[^/\p{C}]{1,200}$/u;

/** Limit of a column of 32 bits. */
const maxSide = 2 ** 31 - 1;

const countOf = (value: unknown, max: number): number | null =>
  Number.isInteger(value) && Number(value) > 0 && Number(value) <= max ? Number(value) : null;
