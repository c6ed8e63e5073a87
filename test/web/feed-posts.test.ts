import { expect, test } from "bun:test";

import type { Post } from "../../src/web/page/api.ts";
import { FeedPosts } from "../../src/web/page/feed-posts.ts";

/** A post that was published in this second. */
const post = (second: number) =>
  ({ id: `post-${second}`, created_at: new Date(second * 1000).toISOString() }) as Post;
/** The page of the posts of these seconds, newest first. */
const page = (seconds: number[], hasMore = true) => ({
  posts: seconds.map(post),
  next_cursor: hasMore ? `after ${seconds.at(-1)}` : null,
});
const seconds = (posts: FeedPosts) => posts.all.map(({ id }) => Number(id.slice(5)));

test("feed posts: pages follow each other without repeating a post", () => {
  const posts = new FeedPosts();
  posts.append(page([9, 8, 7]));
  expect([posts.cursor, posts.isComplete]).toEqual(["after 7", false]);
  posts.append(page([7, 6], false));
  expect(seconds(posts)).toEqual([9, 8, 7, 6]);
  expect(posts.isComplete).toBe(true);
});

test("feed posts: new posts of others are found beside the user's own, and put in order", () => {
  const posts = new FeedPosts();
  posts.append(page([9, 8, 7]));
  posts.insert([post(12)]);
  const now = page([12, 11, 9, 8]);
  expect(posts.freshIn(now)).toEqual({ count: 1, hasGap: false });
  posts.catchUp(now);
  expect(seconds(posts)).toEqual([12, 11, 9, 8, 7]);
  expect(posts.freshIn(now)).toEqual({ count: 0, hasGap: false });
});

test("feed posts: older posts that are not loaded yet are no news", () => {
  const posts = new FeedPosts();
  posts.append(page([9, 8, 7]));
  posts.remove("post-8");
  expect(posts.freshIn(page([9, 7, 6]))).toEqual({ count: 0, hasGap: false });
});

test("feed posts: after more news than a page has, the list starts anew", () => {
  const posts = new FeedPosts();
  posts.append(page([3, 2, 1], false));
  const now = page([9, 8, 7]);
  expect(posts.freshIn(now)).toEqual({ count: 3, hasGap: true });
  posts.catchUp(now);
  expect(seconds(posts)).toEqual([9, 8, 7]);
  expect([posts.cursor, posts.isComplete]).toEqual(["after 7", false]);
});

test("feed posts: the first posts of an empty feed are news", () => {
  const posts = new FeedPosts();
  posts.append(page([], false));
  expect(posts.freshIn(page([2, 1], false))).toEqual({ count: 2, hasGap: false });
  posts.catchUp(page([2, 1], false));
  expect(seconds(posts)).toEqual([2, 1]);
});

test("feed posts: news stay known when they fill more than the first page one after the other", () => {
  const posts = new FeedPosts();
  posts.append(page([3, 2, 1]));
  posts.catchUp(page([5, 4, 3]));
  posts.catchUp(page([7, 6, 5]));
  expect(seconds(posts)).toEqual([7, 6, 5, 4, 3, 2, 1]);
});

const edited = (second: number) => ({ ...post(second), caption: "edited" }) as Post;
const idsOf = (posts: readonly Post[]) => posts.map(({ id }) => id);

test("feed posts: a page that is requested again tells which of its posts were edited and deleted", () => {
  const posts = new FeedPosts();
  posts.append(page([9, 8, 7]));
  posts.append(page([6, 5, 4]));
  posts.insert([post(10)]);
  // The first page begins with a new post and with the user's own, and does not reach as far as before.
  const first = { posts: [post(11), post(10), edited(8)], next_cursor: "after 8" };
  const changes = posts.changesIn(first, null, posts.all);
  expect([idsOf(changes.edited), idsOf(changes.deleted)]).toEqual([["post-8"], ["post-9"]]);
  expect(posts.cursorOf("post-5")).toBe("after 7");
  const second = posts.changesIn(page([5], false), "after 7", posts.all);
  expect([idsOf(second.edited), idsOf(second.deleted)]).toEqual([[], ["post-6", "post-4"]]);
});

test("feed posts: a page that was requested before a change of the list does not undo the change", () => {
  const posts = new FeedPosts();
  posts.append(page([9, 8, 7], false));
  const known = posts.all;
  posts.replace(edited(9));
  posts.insert([post(10)]);
  posts.remove("post-8");
  expect(posts.changesIn(page([9, 8, 7], false), null, known)).toEqual({ edited: [], deleted: [] });
});
