import { afterEach, beforeAll, beforeEach, expect, jest, test } from "bun:test";

import { ApiError } from "../../src/errors.ts";
import { createYieldToEventLoop } from "../../src/concurrency/yield-to-event-loop.ts";
import { readMultipart } from "../../src/uploads/multipart.ts";

beforeAll(() => import("@fastify/busboy"));
beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

/** Runs everything that is ready, without advancing the timers. */
const immediately = setImmediate;
const settle = async () => {
  for (let i = 0; i < 10; i++) await new Promise((resolve) => immediately(resolve));
};
const passSeconds = async (seconds: number, each = () => {}) => {
  for (let i = 0; i < seconds; i++) {
    each();
    await settle();
    jest.advanceTimersByTime(1000);
    await settle();
  }
};

/** An upload whose body the test sends step by step, and its outcome once it has ended. */
async function begin(between: () => Promise<void>) {
  const body = new TransformStream<Uint8Array, Uint8Array>();
  const writer = body.writable.getWriter();
  const send = (text: string) => void writer.write(Buffer.from(text)).catch(() => {});
  const request = new Request("http://localhost/upload", {
    method: "POST",
    headers: { "content-type": "multipart/form-data; boundary=B" },
    body: body.readable,
  });
  const upload = { send, outcome: undefined as unknown };
  const ended = (outcome: unknown) => (upload.outcome = outcome);
  readMultipart(
    request,
    { startFile: () => () => {}, field: () => {} },
    between,
    createYieldToEventLoop(),
  ).then(() => ended("done"), ended);
  await settle();
  send('--B\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n');
  return upload;
}

const codeOf = (outcome: unknown) => (outcome instanceof ApiError ? outcome.code : outcome);

test("slow upload: ends an upload that starts fast and then trickles within a minute", async () => {
  const upload = await begin(async () => {});
  upload.send("x".repeat(600_000));
  await passSeconds(39, () => upload.send("x"));
  expect(codeOf(upload.outcome)).toBeUndefined();
  await passSeconds(20, () => upload.send("x"));
  expect(codeOf(upload.outcome)).toBe("UPLOAD_TOO_SLOW");
});

test("slow upload: does not count the time spent waiting for the disk", async () => {
  const disk = Promise.withResolvers<void>();
  const upload = await begin(() => disk.promise);
  await passSeconds(120);
  expect(upload.outcome).toBeUndefined();
  disk.resolve();
  upload.send("\r\n--B--\r\n");
  await settle();
  upload.send("");
  await passSeconds(15);
  expect(codeOf(upload.outcome)).toBeUndefined();
  await passSeconds(10);
  expect(codeOf(upload.outcome)).toBe("UPLOAD_TOO_SLOW");
});
