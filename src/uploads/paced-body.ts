import { ApiError } from "../errors.ts";
import { Pace } from "./upload-pace.ts";

/**
 * Reads the body of an upload chunk by chunk, in constant memory however fast the client sends.
 * @param take awaited before the next chunk; a client cannot send meanwhile, so it is not too slow
 * @param signal ends the reading
 * @throws ApiError UPLOAD_TOO_SLOW; the request's AbortError when the client disconnects; the signal's reason; any error
 * of `take`
 */
export async function readPaced(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  take: (chunk: Uint8Array<ArrayBuffer>) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const reader = body.getReader();
  const pace = new Pace();
  let received = 0;
  let counted = 0;
  let waiting = false;
  let tooSlow = false;
  // Only cancelling the body ends a read that waits for the client.
  const cancel = () => void reader.cancel().catch(() => {});
  const watch = setInterval(() => {
    if (!waiting) return;
    tooSlow ||= pace.isTooSlow(received - counted);
    counted = received;
    if (tooSlow) cancel();
  }, 1000);
  signal?.addEventListener("abort", cancel);
  try {
    for (;;) {
      signal?.throwIfAborted();
      waiting = true;
      const { value, done } = await reader.read();
      waiting = false;
      signal?.throwIfAborted();
      if (tooSlow) throw new ApiError("UPLOAD_TOO_SLOW", { headers: { connection: "close" } });
      if (done) return;
      received += value.length;
      await take(value);
    }
  } finally {
    clearInterval(watch);
    signal?.removeEventListener("abort", cancel);
    reader.releaseLock();
  }
}
