import { afterEach, expect, test } from "bun:test";

import { boundedFetch, ResponseTooLarge } from "../../src/http/bounded-fetch.ts";

let server: Bun.Server<undefined>;
afterEach(() => server.stop(true));

/** Fetches from a server that sends `response`. */
function fetchFrom(response: () => Response, maxBytes: number, init?: RequestInit): Promise<Response> {
  server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: response });
  return boundedFetch(maxBytes)(`http://127.0.0.1:${server.port}`, init);
}

test("bounded fetch: passes on status, headers and body, decoded", async () => {
  const compressed = () =>
    new Response(Bun.gzipSync("hello"), {
      status: 404,
      headers: { "content-encoding": "gzip", "x-request": "7" },
    });
  const response = await fetchFrom(compressed, 5);
  expect([response.status, response.headers.get("x-request"), await response.text()]).toEqual([
    404,
    "7",
    "hello",
  ]);
});

test("bounded fetch: passes on a response that may have no body", async () => {
  const response = await fetchFrom(() => new Response(null, { status: 204 }), 0);
  expect([response.status, await response.text()]).toEqual([204, ""]);
});

test("bounded fetch: gives up a response of more bytes, also without end or once decompressed", async () => {
  const endless = () =>
    new Response(new ReadableStream({ pull: (stream) => stream.enqueue(new Uint8Array(64 * 1024)) }));
  await expect(fetchFrom(endless, 100_000)).rejects.toBeInstanceOf(ResponseTooLarge);
  const bomb = () =>
    new Response(Bun.gzipSync(Buffer.alloc(100_001)), { headers: { "content-encoding": "gzip" } });
  await expect(fetchFrom(bomb, 100_000)).rejects.toBeInstanceOf(ResponseTooLarge);
});

test("bounded fetch: the request's timeout covers the body", async () => {
  const stalled = () =>
    new Response(
      new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode("{")) }),
    );
  const reading = fetchFrom(stalled, 100, { signal: AbortSignal.timeout(100) });
  expect(await reading.catch((error: Error) => error.name)).toBe("TimeoutError");
});
