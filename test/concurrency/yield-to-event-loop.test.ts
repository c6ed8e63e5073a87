import { expect, test } from "bun:test";

import { createYieldToEventLoop } from "../../src/concurrency/yield-to-event-loop.ts";

/** Blocks the thread for three milliseconds: two pieces of work use up a share of five. */
function block(): void {
  const end = performance.now() + 3;
  while (performance.now() < end);
}

/** Starts all pieces of work at once and returns the order in which they and turns of the event loop ran. */
async function orderOf(works: (() => void)[], yieldToEventLoop = createYieldToEventLoop()): Promise<string> {
  const order: string[] = [];
  let isOver = false;
  const turn = () => {
    order.push("turn");
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  const all = works.map((work, i) =>
    yieldToEventLoop(async () => {
      block();
      order.push(`work ${i}`);
      work();
    }),
  );
  await Promise.allSettled(all);
  isOver = true;
  return order.join(", ");
}

test("event loop share: runs pieces of work in order, with a turn of the event loop after each share", async () => {
  const order = await orderOf(Array.from({ length: 12 }, () => () => {}));
  expect(order).not.toMatch(/work \d+, work \d+, work \d+/);
  const done = [...order.matchAll(/work (\d+)/g)].map(([, i]) => Number(i));
  expect(done).toEqual([...Array(12).keys()]);
});

test("event loop share: passes on the error of a piece of work, whose time counts too", async () => {
  const yieldToEventLoop = createYieldToEventLoop();
  const failure = new Error("failure");
  await expect(yieldToEventLoop(() => Promise.reject(failure))).rejects.toBe(failure);
  const order = await orderOf(
    Array.from({ length: 12 }, () => () => {
      throw failure;
    }),
    yieldToEventLoop,
  );
  expect(order).not.toMatch(/work \d+, work \d+, work \d+/);
  expect(order).toContain("work 11");
});
