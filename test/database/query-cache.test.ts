import { expect, test } from "bun:test";

import type { LRUCache } from "lru-cache";

import { queryCache } from "../../src/database/query-cache.ts";

/** A cached query whose results and database version the test controls. */
type Limits = LRUCache.Options<string, { text: string }, unknown>;

function cachedQuery(limits: Limits = { max: 10 }) {
  const state = { version: 1, data: "old", runs: 0 };
  let answer: () => Promise<void> = async () => {};
  const read = queryCache(
    { dataVersion: () => state.version },
    limits,
    (name: string) => name,
    async (name) => {
      state.runs += 1;
      const text = `${name} ${state.data}`;
      await answer();
      return { text };
    },
  );
  return {
    state,
    read: async (name: string) => (await read(name)).text,
    answerLater: () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      answer = () => promise;
      return () => {
        answer = async () => {};
        resolve();
      };
    },
    answerWith: (next: () => Promise<void>) => void (answer = next),
  };
}

test("query cache: a query runs once for each key until the version changes", async () => {
  const { state, read } = cachedQuery();
  for (let i = 0; i < 3; i++) expect([await read("a"), await read("b")]).toEqual(["a old", "b old"]);
  expect(state.runs).toBe(2);
  Object.assign(state, { version: 2, data: "new" });
  expect(await read("a")).toBe("a new");
  expect(state.runs).toBe(3);
});

test("query cache: does not keep the result of a query that overlaps a write", async () => {
  for (const readsMeanwhile of [false, true]) {
    const { state, read, answerLater } = cachedQuery();
    const answer = answerLater();
    const early = read("a");
    Object.assign(state, { version: 2, data: "new" });
    const others = readsMeanwhile ? [read("b")] : [];
    answer();
    expect(await early).toBe("a old");
    await Promise.all(others);
    expect(await read("a")).toBe("a new");
    expect(await read("a")).toBe("a new");
    expect(state.runs).toBe(readsMeanwhile ? 3 : 2);
  }
});

test("query cache: runs a failed query again", async () => {
  const { read, answerWith } = cachedQuery();
  answerWith(() => Promise.reject(new Error("the disk")));
  await expect(read("a")).rejects.toThrow("the disk");
  answerWith(async () => {});
  expect(await read("a")).toBe("a old");
});

test("query cache: respects its limits, and evicts the least recently used result", async () => {
  const bySize: Limits = { maxSize: 14, sizeCalculation: ({ text }) => text.length };
  for (const limits of [{ max: 2 }, bySize]) {
    const { state, read } = cachedQuery(limits);
    const names = ["a", "bb", "ccc"];
    for (const name of names) await read(name);
    expect(state.runs).toBe(3);
    await read(names[2]!);
    await read(names[1]!);
    expect(state.runs).toBe(3);
    await read(names[0]!);
    expect(state.runs).toBe(4);
  }
});

test("query cache: without a version every call runs the query", async () => {
  let runs = 0;
  const read = queryCache(
    { dataVersion: undefined },
    { max: 10 },
    (name: string) => name,
    async () => [++runs],
  );
  expect([await read("a"), await read("a")]).toEqual([[1], [2]]);
});
