import { expect, test } from "bun:test";

import { inTurn } from "../../src/media/fair-share.ts";

/** Keeps the thread busy for three milliseconds, as hashing does: after two of them a share of five is used up. */
function toil(): void {
  const end = performance.now() + 3;
  while (performance.now() < end);
}

/** Asks for all these works at once, and tells in which order they and the turns of others came. */
async function orderOf(works: (() => void)[]): Promise<string> {
  const seen: string[] = [];
  let isOver = false;
  const turn = () => {
    seen.push("turn");
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  const all = works.map((work, i) =>
    inTurn(async () => {
      toil();
      seen.push(`work ${i}`);
      work();
    }),
  );
  await Promise.allSettled(all);
  isOver = true;
  return seen.join(", ");
}

test("however much work is there at once, others have their turn between", async () => {
  const order = await orderOf(Array.from({ length: 12 }, () => () => {}));
  expect(order).not.toMatch(/work \d+, work \d+, work \d+/);
  const done = [...order.matchAll(/work (\d+)/g)].map(([, i]) => Number(i));
  expect(done).toEqual([...Array(12).keys()]);
});

test("work that fails fails alone, and counts as well", async () => {
  const failure = new Error("failure");
  await expect(inTurn(() => Promise.reject(failure))).rejects.toBe(failure);
  const order = await orderOf(
    Array.from({ length: 12 }, () => () => {
      throw failure;
    }),
  );
  expect(order).not.toMatch(/work \d+, work \d+, work \d+/);
  expect(order).toContain("work 11");
});
