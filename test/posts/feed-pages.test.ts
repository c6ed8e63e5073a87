import { describe, expect, test } from "bun:test";

import type { FeedPosition, PublishedPost } from "../../src/database/posts.ts";
import { readCursor, type FeedRequest } from "../../src/posts/feed.ts";
import { createFeedPages } from "../../src/posts/feed-pages.ts";
import { postRead } from "../../src/posts/post-read.ts";

const publicUrl = "https://photos.example.com";
const viewer = { id: "ada" };

/** A feed of this many posts, newest first, and what was asked of the database. */
function feedOf(count: number, captionOf = (i: number) => `"${i}","is_owner":true \u2028 🌊`) {
  const all: PublishedPost[] = Array.from({ length: count }, (_, i) => ({
    id: `00000000-0000-7000-8000-${String(count - i).padStart(12, "0")}`,
    userId: i % 3 === 0 ? "ada" : "bob",
    email: i % 3 === 0 ? "ada@example.com" : 'bob"},{"@example.com',
    caption: captionOf(i),
    url: `/media/${i}.jpg`,
    thumbnailUrl: i % 2 === 0 ? null : `https://cdn.example.com/${i}`,
    fileType: "image",
    fileName: "photo.jpg",
    contentType: "image/jpeg",
    bytes: i,
    width: i % 5 === 0 ? null : 3,
    height: 4,
    createdAt: new Date(1_900_000_000_000 - i),
  }));
  const asked: string[] = [];
  let rows = 0;
  const behind = (limit: number, after?: FeedPosition) => {
    const start = after ? all.findIndex(({ createdAt }) => createdAt < after.createdAt) : 0;
    return start === -1 ? [] : all.slice(start, start + limit);
  };
  const posts = {
    page: async (limit: number, after?: FeedPosition) => {
      asked.push("narrow");
      return behind(limit, after).map(({ id, userId, email, createdAt }) => ({
        id,
        userId,
        email,
        createdAt,
      }));
    },
    wholePage: async (limit: number, after?: FeedPosition) => {
      asked.push("whole");
      const found = behind(limit, after);
      rows += found.length;
      return found;
    },
  };
  const feedPage = createFeedPages(posts);
  return {
    all,
    wholeRows: () => rows,
    asked: () => asked.splice(0),
    feedPage: (request: FeedRequest, viewer: { id: string }, baseUrl = publicUrl) =>
      feedPage(request, viewer, baseUrl),
  };
}

const shown = (posts: PublishedPost[], baseUrl = publicUrl) =>
  posts.map((post) => postRead(post, viewer, baseUrl));
const position = ({ createdAt, id }: PublishedPost): FeedPosition => ({ createdAt, id });

test("a page shows its posts whole, however much of them was known, and leads to the next", async () => {
  const { all, asked, feedPage } = feedOf(7);
  for (const reads of [["narrow", "whole"], ["narrow"]]) {
    const page = await feedPage({ limit: 3, after: undefined }, viewer);
    expect(JSON.parse(page.json)).toEqual(shown(all.slice(0, 3)));
    expect(readCursor(page.nextCursor!)).toEqual(position(all[2]!));
    expect(asked()).toEqual(reads);
  }
  const last = await feedPage({ limit: 3, after: position(all[3]!) }, viewer);
  expect(JSON.parse(last.json)).toEqual(shown(all.slice(4)));
  expect(last.nextCursor).toBeNull();
});

test("feed pages: viewers who use different hosts get addresses at their own, from what is kept too", async () => {
  const misleading = (i: number) => `"url":"/media/${i}.jpg" \\"url":"/ "thumbnail_url":"/x`;
  const { all, asked, feedPage } = feedOf(4, misleading);
  all[0]!.thumbnailUrl = "/media/0.thumb.webp";
  all[1]!.fileName = `","url":"/media/9.jpg`;
  const hosts = ["http://192.168.1.5:8000", "http://localhost:8000", "https://photos.example.com/app"];
  for (const host of [...hosts, ...hosts]) {
    const page = await feedPage({ limit: 4, after: undefined }, viewer, host);
    expect(JSON.parse(page.json)).toEqual(shown(all, host));
  }
  expect(asked()).toEqual(["narrow", "whole", ...Array<string>(5).fill("narrow")]);
});

test("an empty feed is an empty array", async () => {
  const { feedPage } = feedOf(0);
  expect(await feedPage({ limit: 3, after: undefined }, viewer)).toEqual({ json: "[]", nextCursor: null });
});

test("what may change is never taken from what is kept", async () => {
  const { all, feedPage } = feedOf(3);
  await feedPage({ limit: 3, after: undefined }, viewer);
  all[1]!.email = "robert@example.com";
  const page = await feedPage({ limit: 3, after: undefined }, { id: "bob" });
  const read = JSON.parse(page.json) as { email: string; is_owner: boolean }[];
  expect(read.map(({ email }) => email)).toEqual([all[0]!.email, "robert@example.com", all[2]!.email]);
  expect(read.map(({ is_owner }) => is_owner)).toEqual([false, true, true]);
});

test("what is gone between the two readings of a page is on it no more", async () => {
  const { all, feedPage } = feedOf(5);
  const reading = feedPage({ limit: 3, after: undefined }, viewer);
  const [, removed] = all.splice(0, 2);
  const { json } = await reading;
  expect(JSON.parse(json)).toEqual(shown(all));
  expect(json).not.toContain(removed!.id);
});

test("whoever comes from a post nobody knows costs one reading a page, and pushes nothing out", async () => {
  const { all, asked, feedPage } = feedOf(25_000);
  await feedPage({ limit: 3, after: undefined }, viewer);
  asked();
  let after: FeedPosition | undefined = position(all[200]!);
  for (let index = 201; after; index += 100) {
    const { json, nextCursor } = await feedPage({ limit: 100, after }, viewer);
    expect(JSON.parse(json)).toEqual(shown(all.slice(index, index + 100)));
    expect(asked()).toEqual(["whole"]);
    after = nextCursor === null ? undefined : readCursor(nextCursor);
  }
  await feedPage({ limit: 3, after: undefined }, viewer);
  expect(asked()).toEqual(["narrow"]);
});

test("whoever follows the feed from its beginning finds what others who did have read", async () => {
  const { asked, feedPage } = feedOf(500);
  for (const reads of [["narrow", "whole"], ["narrow"]]) {
    let after: FeedPosition | undefined;
    do {
      const { nextCursor } = await feedPage({ limit: 100, after }, viewer);
      expect(asked()).toEqual(reads);
      after = nextCursor === null ? undefined : readCursor(nextCursor);
    } while (after);
  }
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
      const { all, feedPage } = feedOf(700, captionOf);
      // Once while nothing is known, and once from what is kept.
      for (let round = 0; round < 2; round++) {
        const read: unknown[] = [];
        let after: FeedPosition | undefined;
        do {
          const { json, nextCursor } = await feedPage({ limit: 200, after }, viewer);
          expect(Buffer.byteLength(json)).toBeLessThan(1_000_000);
          const found = JSON.parse(json) as unknown[];
          expect(found).not.toBeEmpty();
          // As large as it can be.
          if (found.length < 200 && nextCursor !== null) expect(json.length).toBeGreaterThan(480_000);
          read.push(...found);
          after = nextCursor === null ? undefined : readCursor(nextCursor);
        } while (after);
        expect(read).toEqual(shown(all));
      }
    },
  );

  test("feed pages: a page asked for from far off reads few posts that it has no room for", async () => {
    const { all, wholeRows, feedPage } = feedOf(1000, () => "\u{1f408}".repeat(2200));
    const { json } = await feedPage({ limit: 200, after: position(all[100]!) }, viewer);
    const { length } = JSON.parse(json) as unknown[];
    expect(length).toBeWithin(105, 120);
    expect(wholeRows()).toBeLessThan(length + 10);
  });

  test("feed pages: a small page of large captions is read at once", async () => {
    const { asked, feedPage } = feedOf(300, control);
    await feedPage({ limit: 50, after: undefined }, viewer);
    expect(asked()).toEqual(["narrow", "whole"]);
  });

  test("feed pages: large captions push each other out of what is kept, whose memory is bounded", async () => {
    // 13 kB each: 26 kB of memory where a string has two bytes a character.
    const { asked, feedPage } = feedOf(3000, control);
    let after: FeedPosition | undefined;
    do {
      const { nextCursor } = await feedPage({ limit: 200, after }, viewer);
      after = nextCursor === null ? undefined : readCursor(nextCursor);
    } while (after);
    asked();
    await feedPage({ limit: 10, after: undefined }, viewer);
    expect(asked()).toEqual(["narrow", "whole"]);
  });
});
