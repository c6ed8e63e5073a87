import { expect, test } from "bun:test";

import { createBytePace } from "../../src/media-moves/byte-pace.ts";

const streamOf = (...chunks: Uint8Array<ArrayBuffer>[]) => new Blob(chunks).stream();

test("byte pace: streams that share a limit are slowed down together, and stay complete", async () => {
  const pace = createBytePace(1e6);
  const bytes = crypto.getRandomValues(new Uint8Array(50_000));
  const startedAt = performance.now();
  const read = await Promise.all(
    [1, 2, 3, 4].map(() =>
      new Response(pace.limit(streamOf(bytes, bytes), new AbortController().signal)).bytes(),
    ),
  );
  // The last step need not wait for its own time.
  expect(performance.now() - startedAt).toBeGreaterThan(300);
  for (const one of read) expect(Buffer.compare(one, Buffer.concat([bytes, bytes]))).toBe(0);
});

test("byte pace: a stream that waits ends when its signal aborts", async () => {
  const pace = createBytePace(1);
  const stopping = new AbortController();
  const reading = new Response(pace.limit(streamOf(new Uint8Array(200_000)), stopping.signal)).bytes();
  stopping.abort(new Error("stopped"));
  await expect(reading).rejects.toThrow("stopped");
});

test("byte pace: without a limit, streams stay as they are", () => {
  const stream = streamOf(new Uint8Array(10));
  expect(createBytePace(undefined).limit(stream, new AbortController().signal)).toBe(stream);
});
