import { freeChunk } from "./free-chunk.ts";

/** Milliseconds that a response waits for the rest of its request's body, and then again before it ends. */
const bodyTimeoutMs = 2000;

/** Milliseconds without data after which the client is assumed to wait for the response. */
const silenceMs = 250;

/**
 * Delays a response whose request body has not been read until the client has sent the rest, which is discarded. Many
 * clients and proxies read the response only after they have sent everything (RFC 9112, 9.3 and 9.6). If the connection
 * were closed earlier, they would get a reset instead of the response; if it stayed open, the rest of the body would be
 * parsed as the next request.
 *
 * If the body does not end in time, or the client stops sending, the response gets `Connection: close`. Its headers and
 * content are then sent immediately, but it ends only when the client has stopped sending, or after the same time
 * again.
 *
 * Bun discards the bodies of GET and HEAD requests itself; their `body` is null.
 */
export async function afterBody(request: Request, response: Response): Promise<Response> {
  const body = request.body as ReadableStream<Uint8Array<ArrayBuffer>> | null;
  if (!body || (await discard(body))) return response;
  response.headers.set("connection", "close");
  if (!response.body) return response;
  const content = await response.bytes();
  const held = new ReadableStream<Uint8Array>({
    async start(controller) {
      controller.enqueue(content);
      await discard(body);
      controller.close();
    },
  });
  return new Response(held, response);
}

/** @returns whether the body ended in time; false also if the client disconnected */
async function discard(body: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<boolean> {
  // Another reader consumes it.
  if (body.locked) return true;
  const reader = body.getReader();
  const deadline = performance.now() + bodyTimeoutMs;
  // Rejects a pending read.
  const silence = setTimeout(() => reader.releaseLock(), silenceMs);
  try {
    while (performance.now() < deadline) {
      const { value, done } = await reader.read();
      if (done) return true;
      freeChunk(value);
      silence.refresh();
    }
  } catch {
    // The lock was released, or the client disconnected.
  } finally {
    clearTimeout(silence);
    reader.releaseLock();
  }
  return false;
}
