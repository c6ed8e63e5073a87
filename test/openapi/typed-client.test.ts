import { afterAll, beforeAll, expect, test } from "bun:test";

import { treaty } from "@elysiajs/eden";

import type { App } from "../../src/app.ts";
import { TestService } from "../support/service.ts";

let service: TestService;
beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.close());

test("typed client: registers, logs in and reads with the types of the app", async () => {
  const client = treaty<App>("http://localhost", {
    fetcher: ((input: string, init: RequestInit) =>
      service.app.handle(new Request(input, init))) as typeof fetch,
  });
  const [email, password] = ["ada@example.com", "correct horse battery"];
  const registered = await client.auth.register.post({ email, password });
  const verified: boolean | undefined = registered.data?.is_verified;
  expect(verified).toBe(false);
  // @ts-expect-error accounts have no such field
  expect(registered.data?.hashed_password).toBeUndefined();

  const { token } = await service.signUp();
  const feed = await client.feed.get({ query: {}, headers: { authorization: `Bearer ${token}` } });
  const cursor: string | null | undefined = feed.data?.next_cursor;
  expect([feed.data?.posts, cursor]).toEqual([[], null]);
});
