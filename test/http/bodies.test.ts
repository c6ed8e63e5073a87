import { afterEach, beforeEach, expect, jest, test } from "bun:test";

import { ApiError } from "../../src/errors.ts";
import { readForm, readJson } from "../../src/http/bodies.ts";

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const immediately = setImmediate;
const settle = async () => {
  for (let i = 0; i < 10; i++) await new Promise((resolve) => immediately(resolve));
};

/** A request whose body the test sends step by step. */
function request(contentType: string) {
  const body = new TransformStream<Uint8Array, Uint8Array>();
  const writer = body.writable.getWriter();
  return {
    request: new Request("http://localhost/auth/jwt/login", {
      method: "POST",
      headers: { "content-type": contentType },
      body: body.readable,
    }),
    send: (text: string) => void writer.write(Buffer.from(text)).catch(() => {}),
    end: () => void writer.close(),
  };
}

test.each([
  ["JSON", readJson, "application/json"],
  ["a form", readForm, "application/x-www-form-urlencoded"],
])("bodies: rejects %s that trickles for 30 seconds with BODY_TOO_SLOW", async (_, read, type) => {
  const { request: asked, send } = request(type);
  let outcome: unknown;
  read({ request: asked }).catch((error: unknown) => (outcome = error));
  for (let second = 0; second < 29; second++) {
    send("x");
    await settle();
    jest.advanceTimersByTime(1000);
  }
  await settle();
  expect(outcome).toBeUndefined();
  jest.advanceTimersByTime(1000);
  await settle();
  expect(outcome).toBeInstanceOf(ApiError);
  expect(outcome).toMatchObject({ code: "BODY_TOO_SLOW", options: { headers: { connection: "close" } } });
});

test("bodies: reads a body that arrives in time, and leaves no timer", async () => {
  const { request: asked, send, end } = request("application/json");
  const read = readJson({ request: asked });
  send('{"a"');
  await settle();
  jest.advanceTimersByTime(29_000);
  send(":1}");
  end();
  expect(await read).toEqual({ a: 1 });
  expect(jest.getTimerCount()).toBe(0);
});
