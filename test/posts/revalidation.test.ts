import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { pngPhoto } from "../support/media-samples.ts";
import { TestService } from "../support/service.ts";

let service: TestService;
let ada: string;
let bob: string;
let post: { id: string };
beforeAll(async () => {
  service = await TestService.start();
  ({ token: ada } = await service.signUp());
  ({ token: bob } = await service.signUp());
  for (let i = 0; i < 3; i++) post = await share();
});
afterAll(() => service.close());

const share = async () =>
  (await (await service.upload(ada, new Blob([await pngPhoto()]), "x".repeat(500))).json()) as { id: string };
const ask = (path: string, token: string | undefined, headers: Record<string, string> = {}, method = "GET") =>
  service.fetch(path, { method, token, headers });
const tagOf = async (path: string, token: string) => (await ask(path, token)).headers.get("etag") ?? "";

describe.each(["/feed", "/feed?limit=2", "post"])("revalidation of %s", (name) => {
  const path = () => (name === "post" ? `/posts/${post.id}` : name);

  test("revalidation: only the client itself may cache a response, and must revalidate it", async () => {
    for (const method of ["GET", "HEAD"]) {
      const { headers, status } = await ask(path(), ada, {}, method);
      expect([status, headers.get("cache-control")]).toEqual([200, "private, no-cache"]);
      expect(headers.get("etag")).toMatch(/^W\/"[0-9a-z]{5,}"$/);
      expect(headers.get("vary")).toBe("authorization, cookie, accept-encoding");
    }
  });

  test("revalidation: an unchanged response is 304 without a body, for every content coding", async () => {
    const etag = await tagOf(path(), ada);
    for (const condition of [etag, etag.slice(2), `"x", ${etag}`, "*"])
      for (const method of ["GET", "HEAD"]) {
        const kept = await ask(
          path(),
          ada,
          { "if-none-match": condition, "accept-encoding": "gzip" },
          method,
        );
        expect([condition, kept.status, await kept.text()]).toEqual([condition, 304, ""]);
        expect(kept.headers.get("etag")).toBe(etag);
        expect(kept.headers.get("cache-control")).toBe("private, no-cache");
        expect(kept.headers.get("vary")).toBe("authorization, cookie, accept-encoding");
      }
    for (const condition of ['"x"', 'W/"x"', etag.slice(0, -2), ""])
      expect((await ask(path(), ada, { "if-none-match": condition })).status).toBe(200);
  });

  test("revalidation: another viewer or another page has another ETag", async () => {
    const etag = await tagOf(path(), ada);
    expect(await tagOf(path(), bob)).not.toBe(etag);
    expect((await ask(path(), bob, { "if-none-match": etag })).status).toBe(200);
    expect(await tagOf("/feed?limit=1", ada)).not.toBe(etag);
  });

  test("revalidation: a request without a valid token is 401", async () => {
    const etag = await tagOf(path(), ada);
    for (const token of [undefined, "forged"])
      expect((await ask(path(), token, { "if-none-match": etag })).status).toBe(401);
  });
});

test("revalidation: publishing or deleting a post changes the ETag of the feed", async () => {
  const before = await tagOf("/feed", ada);
  const { id } = await share();
  const grown = await ask("/feed", ada, { "if-none-match": before });
  expect([grown.status, ((await grown.json()) as { posts: { id: string }[] }).posts[0]?.id]).toEqual([
    200,
    id,
  ]);
  const with4 = await tagOf("/feed", ada);
  await service.fetch(`/posts/${id}`, { method: "DELETE", token: ada });
  expect((await ask("/feed", ada, { "if-none-match": with4 })).status).toBe(200);
  expect((await ask("/feed", ada, { "if-none-match": before })).status).toBe(304);
  expect((await ask(`/posts/${id}`, ada, { "if-none-match": "*" })).status).toBe(404);
});

test("revalidation: errors and other responses are not cached", async () => {
  for (const [path, token] of [
    ["/users/me", ada],
    ["/feed", undefined],
    ["/feed?limit=x", ada],
    [`/posts/${crypto.randomUUID()}`, ada],
  ] as const) {
    const { headers } = await ask(path, token);
    expect([path, headers.get("cache-control"), headers.has("etag")]).toEqual([path, "no-store", false]);
  }
});
