import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { pngPhoto } from "../support/media-samples.ts";
import { TestService } from "../support/service.ts";

let service: TestService;
let ada: Awaited<ReturnType<TestService["signUp"]>>;
let bob: typeof ada;
const shared: string[] = [];

beforeAll(async () => {
  service = await TestService.start();
  [ada, bob] = [await service.signUp("ada@example.com"), await service.signUp("bob@example.com")];
  for (let i = 0; i < 7; i++) {
    const answer = await service.upload(i % 2 ? bob.token : ada.token, await photo(), `post ${i}`);
    shared.unshift(((await answer.json()) as { id: string }).id);
  }
});
afterAll(() => service.close());

const photo = async () => new Blob([await pngPhoto()], { type: "image/png" });

interface Page {
  posts: Record<string, unknown>[];
  next_cursor: string | null;
}
const page = async (query = "", token = ada.token) =>
  (await (await service.fetch(`/feed${query}`, { token })).json()) as Page;
const ids = ({ posts }: Page) => posts.map(({ id }) => id);

describe("the feed", () => {
  test("feed: shows every post newest first, with its author and whether the viewer is the author", async () => {
    const { posts, next_cursor } = await page();
    expect(posts.map(({ id }) => id)).toEqual(shared);
    expect(next_cursor).toBeNull();
    expect(posts[0]).toEqual({
      id: shared[0],
      user_id: ada.id,
      author: { id: ada.id, name: null },
      caption: "post 6",
      alt: "",
      url: expect.stringMatching(/^http:\/\/localhost:8000\/media\/.+\.png$/),
      file_type: "image",
      file_name: "photo.png",
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      edited_at: null,
      is_owner: true,
      email: "ada@example.com",
      width: expect.any(Number),
      height: expect.any(Number),
      content_type: "image/png",
      bytes: expect.any(Number),
      thumbnail_url: posts[0]?.["thumbnail_url"],
      display_url: posts[0]?.["url"],
      placeholder: expect.any(String),
      duration_seconds: null,
      processing: false,
    });
    expect(posts[1]).toMatchObject({ user_id: bob.id, email: "Unknown", is_owner: false });
    expect(JSON.stringify(posts)).not.toContain("argon2");
  });

  test("feed: pages neither skip nor repeat posts while others post", async () => {
    const first = await page("?limit=3");
    await service.upload(bob.token, await photo(), "in between").then(async (answer) => {
      shared.unshift(((await answer.json()) as { id: string }).id);
    });
    const second = await page(`?limit=3&cursor=${first.next_cursor}`);
    const third = await page(`?limit=3&cursor=${second.next_cursor}`);
    expect([...ids(first), ...ids(second), ...ids(third)] as unknown[]).toEqual(shared.slice(1));
    expect(third.next_cursor).toBeNull();
  });

  test("feed: the Link header leads to the next page, and the last page has none", async () => {
    const answer = await service.fetch("/feed?limit=2", { token: ada.token });
    const { next_cursor } = (await answer.json()) as Page;
    expect(answer.headers.get("link")).toBe(
      `<http://localhost:8000/feed?limit=2&cursor=${next_cursor}>; rel="next"`,
    );
    expect((await service.fetch("/feed", { token: ada.token })).headers.get("link")).toBeNull();
  });

  test("feed: the Link header has the limit as a plain number, in whatever form it was sent", async () => {
    for (const limit of ["%2B2", "02", "%0A2", "2%E2%80%83", "%0D%0A2"]) {
      const answer = await service.fetch(`/feed?limit=${limit}`, { token: ada.token });
      expect([limit, answer.status]).toEqual([limit, 200]);
      expect(answer.headers.get("link")).toContain("/feed?limit=2&cursor=");
    }
  });

  test.each([
    ["limit=0", "limit"],
    ["limit=201", "limit"],
    ["limit=ten", "limit"],
    ["limit=", "limit"],
    ["limit=1.5", "limit"],
    ["limit=99999999999999999999", "limit"],
    ["cursor=", "cursor"],
    ["cursor=nonsense", "cursor"],
    [`cursor=${"A".repeat(500)}`, "cursor"],
    [`cursor=${btoa("1.2")}`, "cursor"],
  ])("feed: ?%s is 422 and names the field", async (query, field) => {
    const answer = await service.fetch(`/feed?${query}`, { token: ada.token });
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({ detail: [{ loc: ["query", field] }] });
  });

  test("feed: a bad query without a token is 401, not 422", async () => {
    expect((await service.fetch("/feed?limit=0")).status).toBe(401);
  });
});

describe("a feed of the longest captions", () => {
  // Each takes six bytes in JSON.
  const caption = "\u0001".repeat(2200);
  const posts = 80;

  test("feed: pages are at most 1 MB in every content coding and lead from one to the next", async () => {
    const long = await TestService.start();
    const { token } = await long.signUp();
    const png = await pngPhoto();
    for (let i = 0; i < posts; i++) await long.upload(token, new Blob([png]), caption);
    for (const coding of ["identity", "gzip", "zstd"]) {
      const seen: unknown[] = [];
      let path: string | undefined = "/feed?limit=200";
      while (path) {
        const answer = await long.fetch(path, { token, headers: { "accept-encoding": coding } });
        expect(answer.headers.get("content-encoding") ?? "identity").toBe(coding);
        const sent = await answer.bytes();
        const json =
          coding === "gzip" ? Bun.gunzipSync(sent) : coding === "zstd" ? Bun.zstdDecompressSync(sent) : sent;
        expect(json.length).toBeLessThan(1_000_000);
        const read = JSON.parse(new TextDecoder().decode(json)) as Page;
        expect(read.posts).not.toBeEmpty();
        for (const post of read.posts) expect(post["caption"]).toBe(caption);
        seen.push(...ids(read));
        const next: string | undefined = /^<http:\/\/localhost:8000(\S+)>/.exec(
          answer.headers.get("link") ?? "",
        )?.[1];
        expect(next?.endsWith(`cursor=${read.next_cursor}`)).toBe(
          read.next_cursor === null ? undefined : true,
        );
        path = next;
      }
      expect(seen).toHaveLength(posts);
      expect(new Set(seen).size).toBe(posts);
      expect(seen).toEqual(seen.toSorted().toReversed());
    }
    await long.close();
  });
});

describe("one post", () => {
  test("post: has the same fields as in the feed", async () => {
    const { posts } = await page();
    const answer = await service.fetch(`/posts/${shared[0]}`, { token: ada.token });
    expect(await answer.json()).toEqual(posts[0]);
  });

  test.each(["nope", crypto.randomUUID(), "%2e%2e%2f", "%00", "'%20or%201=1--"])(
    "post: the id %s is 404",
    async (id) => {
      for (const method of ["GET", "DELETE"]) {
        const answer = await service.fetch(`/posts/${id}`, { method, token: ada.token });
        expect(answer.status).toBe(404);
        expect(await answer.json()).toEqual({ detail: "Post not found" });
      }
    },
  );
});
