import type { Post } from "./api.ts";
import { Failure, type Sent } from "./failures.ts";
import { serviceUrl } from "./service-url.ts";
import { session } from "./session.ts";
import { sleep } from "./sleep.ts";
import { text } from "./texts/text.ts";
import { duration } from "./times.ts";
import type { UploadItem } from "./upload-item.ts";

/** Retries per file; with the back-off they span about three minutes. */
const maxRetries = 8;
const maxBackoffSeconds = 60;
/** A longer `Retry-After` is reported to the user instead of waited for. */
const maxWaitSeconds = 3600;

/**
 * Uploads a file. A response with `Retry-After` is retried after that time, or later as the exponential back-off grows.
 * @throws Failure when the service refuses the file or cannot be reached; the signal's reason when it aborts
 */
export async function upload(item: UploadItem, signal: AbortSignal): Promise<Post> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await send(item, signal);
    } catch (failure) {
      const seconds = failure instanceof Failure ? failure.retryAfterSeconds : undefined;
      if (seconds === undefined || seconds > maxWaitSeconds || attempt === maxRetries) throw failure;
      const wait = Math.max(seconds, Math.min(2 ** attempt, maxBackoffSeconds));
      item.wait(text("serviceBusy", { time: duration(wait) }));
      await sleep(wait * 1000, signal);
    }
  }
}

/** Uses XMLHttpRequest because fetch() does not report upload progress. */
function send(item: UploadItem, signal: AbortSignal): Promise<Post> {
  const { file, key, caption } = item;
  const { generation } = session;
  const form = new FormData();
  form.set("file", file);
  form.set("caption", caption);
  const request = new XMLHttpRequest();
  return new Promise((resolve, reject) => {
    const abort = () => {
      request.abort();
      reject(signal.reason);
    };
    signal.addEventListener("abort", abort, { once: true });
    request.addEventListener("loadend", () => signal.removeEventListener("abort", abort));
    request.upload.addEventListener("progress", ({ loaded, total }) => item.progress(loaded / total));
    request.addEventListener("load", () => {
      const body = request.response as (Post & { detail?: string }) | null;
      if (request.status === 200 && body) return resolve(body);
      if (request.status === 401) session.expire(generation);
      reject(
        new Failure(request.status, body?.detail, request.getResponseHeader("retry-after"), kindOf(file)),
      );
    });
    request.addEventListener("error", () => reject(new Failure(0)));
    request.open("POST", serviceUrl("/upload"));
    request.responseType = "json";
    request.setRequestHeader("idempotency-key", key);
    request.send(form);
  });
}

function kindOf({ type }: File): Sent {
  if (type.startsWith("image/")) return "photo";
  return type.startsWith("video/") ? "video" : "file";
}
