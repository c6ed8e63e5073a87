import type { Post } from "./api.ts";
import { Failure } from "./failures.ts";
import { sleep } from "./sleep.ts";
import { text } from "./texts/text.ts";
import { duration } from "./times.ts";
import { sentAs } from "./upload-checks.ts";
import type { UploadItem } from "./upload-item.ts";
import { resumableFromBytes } from "./upload-limits.ts";
import { sendResumable } from "./upload-resumable.ts";
import { failureOf, transfer } from "./upload-transfer.ts";

/** Retries per file; with the back-off they span about three minutes. */
const maxRetries = 8;
const maxBackoffSeconds = 60;
/** A longer `Retry-After` is reported to the user instead of waited for. */
const maxWaitSeconds = 3600;

/** Statuses of a lost connection, and of a service or proxy that is down briefly. */
const passingStatuses = new Set([0, 408, 502, 503, 504]);

/** Whether the same upload may succeed later. */
export const mayRetry = ({ status }: Failure): boolean =>
  status >= 500 || [0, 401, 403, 408, 409, 429].includes(status);

/**
 * Uploads a file. Repeats the request after a lost connection and whenever the service asks for it by `Retry-After`, with an
 * exponential back-off: a small file with the same idempotency key, a large one from where it was. Tries of a large file that
 * got it further do not count.
 * @param check awaited before every request; what it throws ends the upload unless it is such a Failure
 * @throws Failure when the service refuses the file or cannot be reached; the signal's reason when it aborts
 */
export async function upload(
  item: UploadItem,
  check: () => Promise<void>,
  signal: AbortSignal,
): Promise<Post> {
  let poster = await item.poster;
  const isResumable = item.file.size > resumableFromBytes;
  let furthest = 0;
  for (let attempt = 0; ;) {
    try {
      await check();
      signal.throwIfAborted();
      return await (isResumable ? sendResumable(item, poster, signal) : send(item, poster, signal));
    } catch (failure) {
      if (signal.aborted || !(failure instanceof Failure)) throw failure;
      if (poster && isAboutPoster(failure)) {
        poster = undefined;
        continue;
      }
      if (isResumable && item.fraction > furthest) {
        furthest = item.fraction;
        attempt = 0;
      }
      const seconds = failure.retryAfterSeconds ?? (passingStatuses.has(failure.status) ? 0 : Infinity);
      if (seconds > maxWaitSeconds || attempt === maxRetries) throw failure;
      const wait = Math.max(seconds, Math.min(2 ** attempt, maxBackoffSeconds));
      const time = duration(wait);
      item.wait(failure.status === 0 ? text("connectionLost", { time }) : text("serviceBusy", { time }));
      await pause(wait, signal);
      // Waiting for the network, or for uploads of the same account in other tabs, does not count as a try.
      if (navigator.onLine && failure.status !== 429) attempt++;
    }
  }
}

/** Waits, at most until the device is online again. */
async function pause(seconds: number, signal: AbortSignal): Promise<void> {
  const done = new AbortController();
  const online = new Promise<void>((resolve) =>
    addEventListener("online", () => resolve(), { signal: done.signal }),
  );
  await Promise.race([sleep(seconds * 1000, AbortSignal.any([signal, done.signal])), online]).finally(() =>
    done.abort(),
  );
}

const isAboutPoster = ({ detail }: Failure) =>
  Array.isArray(detail) && detail.some(({ loc }) => loc.at(-1) === "thumbnail");

async function send(item: UploadItem, poster: Blob | undefined, signal: AbortSignal): Promise<Post> {
  const { file, key, caption, alt } = item;
  const body = new FormData();
  body.set("file", file);
  body.set("caption", caption);
  body.set("alt", alt);
  if (poster) body.set("thumbnail", poster, "poster.jpg");
  const headers = { "idempotency-key": key };
  const onProgress = (sent: number, total: number) => item.progress(sent / total);
  const request = await transfer({ method: "POST", route: "/upload", headers, body, onProgress }, signal);
  if (request.status !== 200) throw failureOf(request, sentAs(file));
  // A successful response without JSON came from something in between, such as a captive portal.
  if (request.response === null) throw new Failure(0);
  return request.response as Post;
}
