import { expect, test } from "bun:test";

import { SizeBoundedCache } from "../../src/caching/size-bounded-cache.ts";

/** How many of the keys 0, 1, … the cache holds. */
const held = (cache: SizeBoundedCache<string>, keys: number) =>
  Array.from({ length: keys }, (_, i) => cache.has(`${i}`)).filter(Boolean).length;

test("size-bounded cache: holds the entries used last, between one and two times its capacity", () => {
  const cache = new SizeBoundedCache<string>(100);
  for (let i = 0; i < 1000; i++) {
    cache.set(`${i}`, `value ${i}`, 10);
    expect(held(cache, i + 1)).toBeWithin(Math.min(i + 1, 10), 21);
    expect(cache.get(`${i}`)).toBe(`value ${i}`);
  }
});

test("size-bounded cache: an entry that is read again and again is never dropped", () => {
  const cache = new SizeBoundedCache<string>(100);
  cache.set("popular", "kept", 10);
  for (let i = 0; i < 1000; i++) {
    cache.set(`${i}`, "passing", 30);
    expect(cache.get("popular")).toBe("kept");
  }
});

test("size-bounded cache: counts sizes, not entries", () => {
  const cache = new SizeBoundedCache<string>(100);
  for (let i = 0; i < 100; i++) cache.set(`${i}`, "small", 1);
  expect(held(cache, 100)).toBe(100);
  for (let i = 0; i < 3; i++) cache.set(`large ${i}`, "large", 100);
  expect(held(cache, 100)).toBe(0);
});

test("size-bounded cache: an entry larger than the capacity is not kept and drops nothing but its former self", () => {
  const cache = new SizeBoundedCache<string>(100);
  cache.set("a", "small", 50);
  cache.set("b", "small", 50);
  cache.set("a", "too large", 101);
  expect([cache.get("a"), cache.get("b")]).toEqual([undefined, "small"]);
});

test("size-bounded cache: an entry that is set anew or deleted is not counted twice", () => {
  const cache = new SizeBoundedCache<string>(100);
  for (let i = 0; i < 1000; i++) cache.set("a", `${i}`, 50);
  cache.set("b", "beside it", 50);
  expect([cache.get("a"), cache.get("b")]).toEqual(["999", "beside it"]);
  for (let i = 0; i < 1000; i++) {
    cache.set("c", `${i}`, 90);
    cache.delete("c");
  }
  expect(cache.has("c")).toBe(false);
  cache.clear();
  expect([cache.has("a"), cache.get("b")]).toEqual([false, undefined]);
});
