/** Milliseconds that a response waits for the rest of its request's body, and that it stays open afterwards. */
const patienceMs = 2000;

/** Milliseconds after which a client that sends nothing is taken to wait for the response. */
const silenceMs = 250;

/**
 * Holds a response that is ready before its request's body was read, until the client has sent the rest, which is
 * discarded. Many clients and proxies read a response only once they have sent everything (RFC 9112, 9.3 and 9.6): when
 * the connection is closed before that, they get a reset instead, and when it stays open, the rest of the body stands
 * where they send their next request.
 *
 * A body that does not end in time, or whose client waits for the response, costs the connection: the response says
 * `Connection: close`. Its headers and content are sent at once, its end only when the client has stopped sending, or
 * after the same time again.
 *
 * Bun discards the bodies of GET and HEAD itself, and shows none.
 */
export async function afterBody(request: Request, response: Response): Promise<Response> {
  const { body } = request;
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

/** @returns whether the body came to its end; false also when the client went away */
async function discard(body: ReadableStream<Uint8Array>): Promise<boolean> {
  // Whatever reads it looks after its end.
  if (body.locked) return true;
  const reader = body.getReader();
  const deadline = performance.now() + patienceMs;
  // Ends a read that waits: it is rejected.
  const silence = setTimeout(() => reader.releaseLock(), silenceMs);
  try {
    while (performance.now() < deadline) {
      const { done } = await reader.read();
      if (done) return true;
      silence.refresh();
    }
  } catch {
    // Released, or the client went away.
  } finally {
    clearTimeout(silence);
    reader.releaseLock();
  }
  return false;
}
