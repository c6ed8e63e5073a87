import { expect, test } from "bun:test";

import { createFairSemaphore } from "../../src/concurrency/fair-semaphore.ts";

/** Creates a semaphore whose tasks end on demand, and records the order in which they start. */
function controlled(
  limits: { concurrency?: number; queueLimit?: number; partyLimit?: number; reserve?: number } = {},
) {
  const semaphore = createFairSemaphore({ concurrency: 1, queueLimit: 100, partyLimit: 100, ...limits });
  const started: string[] = [];
  const ends = new Map<string, () => void>();
  const run = (name: string, ...parties: string[]) =>
    semaphore.run(parties, async () => {
      started.push(name);
      await new Promise<void>((resolve) => ends.set(name, resolve));
      return name;
    });
  /** Ends all tasks in the order in which they start. */
  const drain = async () => {
    await Bun.sleep(0);
    for (let i = 0; i < started.length; i++) {
      ends.get(started[i]!)!();
      await Bun.sleep(0);
    }
  };
  return { semaphore, started, run, drain };
}

test("fair semaphore: runs tasks up to its concurrency, and the others when one ends", async () => {
  const { semaphore, started, run, drain } = controlled({ concurrency: 2 });
  const all = Promise.all([run("a", "x"), run("b", "x"), run("c", "x")]);
  await Bun.sleep(0);
  expect(started).toEqual(["a", "b"]);
  expect(semaphore.pending()).toBe(3);
  await drain();
  expect(await all).toEqual(["a", "b", "c"]);
  expect(semaphore.pending()).toBe(0);
});

test("fair semaphore: forty tasks of one party delay another party by one task", async () => {
  const { started, run, drain } = controlled();
  const all = [...Array(40).keys()].map((i) => run(`busy ${i}`, "busy"));
  all.push(run("single", "other"));
  await drain();
  await Promise.all(all);
  expect(started.indexOf("single")).toBe(1);
});

test("fair semaphore: lets two parties with waiting tasks take turns", async () => {
  const { started, run, drain } = controlled();
  const all = ["a1 a", "a2 a", "a3 a", "b1 b", "b2 b"].map((task) => {
    const [name, party] = task.split(" ") as [string, string];
    return run(name, party);
  });
  await drain();
  await Promise.all(all);
  expect(started).toEqual(["a1", "b1", "a2", "b2", "a3"]);
});

test("fair semaphore: runs tasks without parties in the order of their arrival", async () => {
  const { started, run, drain } = controlled();
  const all = Promise.all([run("a"), run("b"), run("c", "x"), run("d")]);
  await drain();
  await all;
  expect(started).toEqual(["a", "b", "c", "d"]);
});

test("fair semaphore: a network with many accounts, and an account on many networks, delay another party by two tasks", async () => {
  const { started, run, drain } = controlled();
  const all = [...Array(10).keys()].flatMap((i) => [
    run(`n${i}`, `account ${i}`, "network"),
    run(`a${i}`, "account", `network ${i}`),
  ]);
  all.push(run("single", "other account", "other network"));
  await drain();
  await Promise.all(all);
  expect(started.indexOf("single")).toBeLessThanOrEqual(2);
});

test("fair semaphore: an account without other tasks goes first within its network", async () => {
  const { started, run, drain } = controlled();
  const all = [...Array(10).keys()].map((i) => run(`busy ${i}`, "busy", "network"));
  all.push(run("single", "other", "network"));
  await drain();
  await Promise.all(all);
  expect(started.indexOf("single")).toBe(1);
});

test("fair semaphore: rejects a task with OVERLOADED when its party has reached its limit", async () => {
  const { run, drain, semaphore } = controlled({ partyLimit: 3 });
  const all = Promise.all([run("a", "x"), run("b", "x"), run("c", "x")]);
  expect(run("d", "x")).rejects.toMatchObject({ code: "OVERLOADED" });
  const other = run("e", "y");
  expect(semaphore.pending()).toBe(4);
  await drain();
  await all;
  expect(await other).toBe("e");
});

test("fair semaphore: evicts the latest task of the party with the most places when the queue is full", async () => {
  const { started, run, drain } = controlled({ queueLimit: 3 });
  const heavy = ["h1", "h2", "h3", "h4"].map((name) => run(name, "heavy"));
  const single = run("single", "other");
  expect(heavy[3]).rejects.toMatchObject({ code: "OVERLOADED" });
  expect(run("h5", "heavy")).rejects.toMatchObject({ code: "OVERLOADED" });
  await drain();
  await Promise.all([...heavy.slice(0, 3), single]);
  expect(started).toEqual(["h1", "single", "h2", "h3"]);
});

test("fair semaphore: evicts a task of an account that holds all places of a network for another account of it", async () => {
  const { run, drain } = controlled({ partyLimit: 4 });
  const heavy = ["h1", "h2", "h3", "h4"].map((name) => run(name, "heavy", "network"));
  const single = run("single", "other", "network");
  expect(heavy[3]).rejects.toMatchObject({ code: "OVERLOADED" });
  await drain();
  expect(await single).toBe("single");
  await Promise.all(heavy.slice(0, 3));
});

test("fair semaphore: evicts one task, not several, for a task that shares nested networks with it", async () => {
  const { started, run, drain } = controlled({ partyLimit: 4 });
  const networks = ["/48", "/56", "/64"];
  const busy = [1, 2, 3, 4].map((i) => run(`busy ${i}`, "busy", ...networks));
  const outcomes = Promise.allSettled([...busy, run("single", "other", ...networks)]);
  await drain();
  expect((await outcomes).map(({ status }) => status)).toEqual([
    "fulfilled",
    "fulfilled",
    "fulfilled",
    "rejected",
    "fulfilled",
  ]);
  expect(started).toEqual(["busy 1", "single", "busy 2", "busy 3"]);
});

test("fair semaphore: frees the place of a task that throws", async () => {
  const { semaphore, run, drain } = controlled();
  const failing = semaphore.run(["x"], async () => {
    throw new Error("broken");
  });
  const after = run("after", "x");
  expect(failing).rejects.toThrow("broken");
  await failing.catch(() => {});
  await drain();
  expect(await after).toBe("after");
  expect(semaphore.pending()).toBe(0);
});

test("fair semaphore: its reserve runs one task of a party without running tasks beside long tasks of others", async () => {
  const { started, run, drain } = controlled({ concurrency: 2, reserve: 1 });
  const all = ["long 1", "long 2", "long 3"].map((name) => run(name, "busy"));
  all.push(run("single 1", "other"), run("single 2", "other"), run("third", "yet another"));
  await Bun.sleep(0);
  expect(started).toEqual(["long 1", "long 2", "single 1"]);
  await drain();
  await Promise.all(all);
  expect(started).toHaveLength(6);
});

test("fair semaphore: removes a waiting task whose signal aborts", async () => {
  const { semaphore, started, run, drain } = controlled({ queueLimit: 1 });
  const long = run("long", "x");
  const gone = new AbortController();
  const waiting = semaphore.run(["y"], async () => started.push("never"), gone.signal);
  expect(semaphore.pending()).toBe(2);
  gone.abort(new Error("gone"));
  await expect(waiting).rejects.toThrow("gone");
  expect(semaphore.pending()).toBe(1);
  const next = run("next", "z");
  await drain();
  await Promise.all([long, next]);
  expect(started).toEqual(["long", "next"]);
  await expect(semaphore.run(["x"], async () => started.push("never"), gone.signal)).rejects.toThrow("gone");
});
