import { describe, expect, test } from "bun:test";

import type { PublishedPost } from "../../src/database/published-posts.ts";
import { readCursor, type PagePosition, type PageRequest } from "../../src/http/page-request.ts";
import { feedPage } from "../../src/posts/feed-pages.ts";
import { postRead } from "../../src/posts/post-read.ts";
import { createPageWriter } from "../../src/posts/post-writer.ts";

const publicUrl = "https://photos.example.com";
const viewer = { id: "ada" };
const viewFor = (id: string, baseUrl = publicUrl) =>
  ({ viewer: { id, isSuperuser: false }, baseUrl, authorEmails: "owner" }) as const;

/** A feed of this many posts, newest first. */
function feedOf(count: number, captionOf = (i: number) => `"${i}","is_owner":true \u2028 🌊`) {
  const all: PublishedPost[] = Array.from({ length: count }, (_, i) => ({
    id: `00000000-0000-7000-8000-${String(count - i).padStart(12, "0")}`,
    userId: i % 3 === 0 ? "ada" : "bob",
    email: i % 3 === 0 ? "ada@example.com" : 'bob"},{"@example.com',
    authorName: i % 4 === 0 ? null : "Ada “the first”",
    caption: captionOf(i),
    alt: i % 2 === 0 ? "" : "a lake",
    url: `/media/${i}.jpg`,
    displayUrl: null,
    placeholder: null,
    processing: false,
    durationSeconds: null,
    thumbnailUrl: i % 2 === 0 ? null : `https://cdn.example.com/${i}`,
    fileType: "image",
    fileName: "photo.jpg",
    contentType: "image/jpeg",
    bytes: i,
    width: i % 5 === 0 ? null : 3,
    height: 4,
    createdAt: new Date(1_900_000_000_000 - i),
    editedAt: i % 3 === 0 ? null : new Date(1_900_000_500_000 - i),
  }));
  const posts = {
    page: async (limit: number, after?: PagePosition) => {
      const start = after ? all.findIndex(({ createdAt }) => createdAt < after.createdAt) : 0;
      return start === -1 ? [] : all.slice(start, start + limit);
    },
    pageOf: async () => [],
  };
  const writePage = createPageWriter();
  return {
    all,
    read: (request: PageRequest, viewer: { id: string }, baseUrl = publicUrl) =>
      feedPage(posts, { ...request, author: undefined }, viewFor(viewer.id, baseUrl), writePage),
  };
}

const shown = (posts: PublishedPost[], baseUrl = publicUrl) =>
  posts.map((post) => postRead(post, viewFor(viewer.id, baseUrl)));
const position = ({ createdAt, id }: PublishedPost): PagePosition => ({ createdAt, id });

test("feed pages: a page has all fields of its posts and leads to the next page", async () => {
  const { all, read } = feedOf(7);
  const page = await read({ limit: 3, after: undefined }, viewer);
  expect(page.json).toBe(JSON.stringify(shown(all.slice(0, 3))));
  expect(readCursor(page.nextCursor!)).toEqual(position(all[2]!));
  const last = await read({ limit: 3, after: position(all[3]!) }, viewer);
  expect(last.json).toBe(JSON.stringify(shown(all.slice(4))));
  expect(last.nextCursor).toBeNull();
});

test("feed pages: URLs and is_owner depend on the viewer", async () => {
  const { all, read } = feedOf(4);
  all[0]!.thumbnailUrl = "/media/0.thumb.webp";
  for (const host of ["http://192.168.1.5:8000", "https://photos.example.com/app"])
    for (const id of ["ada", "bob", "eve"]) {
      const { json } = await read({ limit: 4, after: undefined }, { id }, host);
      expect(JSON.parse(json)).toEqual(all.map((post) => postRead(post, viewFor(id, host))));
    }
});

test("feed pages: a cached text is never sent to a viewer for whom it would be different", async () => {
  const { all } = feedOf(4);
  const writePage = createPageWriter();
  const views = ["ada", "bob", "eve"].flatMap((id) =>
    [true, false].flatMap((isSuperuser) =>
      (["owner", "everybody"] as const).flatMap((authorEmails) =>
        [publicUrl, "http://192.168.1.5:8000"].map((baseUrl) => ({
          viewer: { id, isSuperuser },
          baseUrl,
          authorEmails,
        })),
      ),
    ),
  );
  for (const view of [...views, ...views.toReversed()])
    for (const [i, post] of all.entries()) {
      const { json, bytes } = writePage(all, view)(i);
      expect(json).toBe(JSON.stringify(postRead(post, view)));
      expect(bytes).toBe(Buffer.byteLength(json));
    }
});

test("feed pages: an empty feed is an empty array", async () => {
  const { read } = feedOf(0);
  expect(await read({ limit: 3, after: undefined }, viewer)).toEqual({ json: "[]", nextCursor: null });
});

describe("pages of posts with the longest captions", () => {
  const control = () => "\u0001".repeat(2200);
  const captions: [string, (i: number) => string][] = [
    ["control characters", control],
    ["characters of four bytes", () => "\u{1f408}".repeat(2200)],
    ["large and small ones", (i) => (i % 100 < 90 ? "small" : control())],
    ["small and large ones", (i) => (i % 100 < 10 ? control() : "small")],
  ];

  test.each(captions)(
    "feed pages: %s: no page is larger than 1 MB, and together they are the feed",
    async (_, captionOf) => {
      const { all, read } = feedOf(700, captionOf);
      const together: unknown[] = [];
      let after: PagePosition | undefined;
      do {
        const { json, nextCursor } = await read({ limit: 200, after }, viewer);
        expect(Buffer.byteLength(json)).toBeLessThan(1_000_000);
        const found = JSON.parse(json) as unknown[];
        expect(found).not.toBeEmpty();
        // As large as it can be.
        if (found.length < 200 && nextCursor !== null) expect(json.length).toBeGreaterThan(480_000);
        together.push(...found);
        after = nextCursor === null ? undefined : readCursor(nextCursor);
      } while (after);
      expect(together).toEqual(shown(all));
    },
  );
});
