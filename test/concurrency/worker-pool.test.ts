// Runs alone: it measures processor time, which other tests on the same core lengthen.
import { afterEach, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createWorkerPool, type WorkerPool } from "../../src/concurrency/worker-pool.ts";
import { until } from "../support/until.ts";

const onLinux = process.platform === "linux";
const limits = { timeMs: 20_000, memoryBytes: 1_000_000_000 };
const never = new AbortController().signal;
const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

type Answer = { order: string; pid: number; jobs: number };

async function openPool(options: Partial<Parameters<typeof createWorkerPool>[0]> = {}) {
  const folder = await mkdtemp(join(tmpdir(), "image-sharing-pool-"));
  const pool = createWorkerPool({
    command: [process.execPath, join(import.meta.dir, "../support/odd-worker.ts")],
    folder,
    size: 1,
    queueLimit: 10,
    idleMs: 60_000,
    idleMemoryBytes: 500_000_000,
    ...options,
  });
  cleanUps.push(
    () => pool.close(),
    () => rm(folder, { recursive: true }),
  );
  const run = (order: string, party = "ada", more = limits, signal = never) =>
    pool.run(party, { order }, more, signal) as Promise<Answer>;
  return { pool, run };
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test("worker pool: runs sequential jobs in the same process", async () => {
  const { run } = await openPool();
  const first = await run("a");
  const second = await run("b");
  expect(second).toEqual({ order: "b", pid: first.pid, jobs: 2 });
  expect(first.pid).not.toBe(process.pid);
});

test("worker pool: passes no environment variables to its processes", async () => {
  const { run } = await openPool();
  const { environment } = (await run("environment")) as unknown as { environment: Record<string, string> };
  for (const name of ["HOME", "USER", "TEST_DATABASE_URL"]) expect(environment[name]).toBeUndefined();
});

test("worker pool: kills a job that exceeds its processor time, and runs the next one in a new process", async () => {
  const { run } = await openPool();
  const { pid } = await run("a");
  await expect(run("spin", "ada", { ...limits, timeMs: 300 })).rejects.toMatchObject({ reason: "time" });
  expect(isAlive(pid)).toBe(false);
  expect((await run("b")).jobs).toBe(1);
});

test("worker pool: kills a job that uses no processor time but never ends", async () => {
  const { run } = await openPool();
  await expect(run("sleep", "ada", { ...limits, timeMs: 200 })).rejects.toMatchObject({ reason: "clock" });
});

test.if(onLinux)("worker pool: kills a job that exceeds its memory limit", async () => {
  const { run } = await openPool();
  const { pid } = await run("a");
  await expect(run("eat", "ada", { ...limits, memoryBytes: 300_000_000 })).rejects.toMatchObject({
    reason: "memory",
  });
  expect(isAlive(pid)).toBe(false);
});

test("worker pool: fails a job that crashes its process twice, and runs the next one", async () => {
  const { run } = await openPool();
  await expect(run("crash")).rejects.toMatchObject({ reason: "crash" });
  expect((await run("b")).order).toBe("b");
});

test("worker pool: retries a job once after a crash", async () => {
  const { run } = await openPool();
  expect(await run("crash once")).toMatchObject({ order: "crash once" });
});

test("worker pool: starts a new process when the idle one was killed", async () => {
  const { run } = await openPool();
  const { pid } = await run("a");
  process.kill(pid, "SIGKILL");
  expect((await run("b")).pid).not.toBe(pid);
});

test("worker pool: kills the process of a job whose signal aborts", async () => {
  const { run } = await openPool();
  const { pid } = await run("a");
  const gone = new AbortController();
  const job = run("sleep", "ada", limits, gone.signal);
  setTimeout(() => gone.abort(), 100);
  await expect(job).rejects.toMatchObject({ name: "AbortError" });
  expect(isAlive(pid)).toBe(false);
});

test("worker pool: starts no process for a job whose signal aborts as its turn comes", async () => {
  const { run } = await openPool();
  const gone = new AbortController();
  const first = run("a");
  const second = run("b", "ada", limits, gone.signal);
  // Aborts after the turn of the second job has come and before its process starts.
  void first.then(() => gone.abort());
  const { pid } = await first;
  await expect(second).rejects.toMatchObject({ name: "AbortError" });
  expect(await run("c")).toMatchObject({ pid, jobs: 2 });
});

test("worker pool: one party's long jobs do not delay another party", async () => {
  const { run } = await openPool({ size: 2 });
  const gone = new AbortController();
  const long = [1, 2, 3].map(() => run("sleep", "ada", limits, gone.signal));
  expect((await run("b", "bob")).order).toBe("b");
  gone.abort();
  await Promise.allSettled(long);
});

test("worker pool: rejects jobs with OVERLOADED when the queue is full", async () => {
  const { run } = await openPool({ queueLimit: 1 });
  const all = [run("a"), run("b")];
  await expect(run("c")).rejects.toMatchObject({ code: "OVERLOADED" });
  await Promise.all(all);
});

test("worker pool: rejects jobs with OVERLOADED when no process can be started", async () => {
  const { run } = await openPool({ command: ["/no/such/program"] });
  await expect(run("a")).rejects.toMatchObject({ code: "OVERLOADED" });
});

test("worker pool: kills a process that has been idle too long or holds too much memory", async () => {
  const { run } = await openPool({ idleMs: 100 });
  const { pid } = await run("a");
  await until(() => !isAlive(pid));
  if (!onLinux) return;
  const lean = await openPool({ idleMemoryBytes: 100_000_000 });
  const fat = await lean.run("fat");
  await until(() => !isAlive(fat.pid));
});

test("worker pool: prepares a process for the next job within its size", async () => {
  const { pool, run } = await openPool({ size: 1 });
  pool.prepare();
  pool.prepare();
  await Bun.sleep(300);
  expect((await run("a")).jobs).toBe(1);
});

test("worker pool: its processes ignore signals sent to the whole process group", async () => {
  const { run } = await openPool();
  const { pid } = await run("a");
  process.kill(pid, "SIGINT");
  process.kill(pid, "SIGTERM");
  // The signals would end it within this time.
  await Bun.sleep(100);
  expect((await run("b")).pid).toBe(pid);
});

test("worker pool: closing kills its processes, including those with running jobs", async () => {
  const pool: WorkerPool = (await openPool()).pool;
  const { pid } = (await pool.run("ada", { order: "a" }, limits, never)) as Answer;
  const job = pool.run("ada", { order: "sleep" }, limits, never);
  job.catch(() => {});
  await Bun.sleep(50);
  await pool.close();
  expect(isAlive(pid)).toBe(false);
  await expect(job).rejects.toMatchObject({ code: "STOPPING" });
});

test.if(onLinux)("worker pool: closing waits for a process that is being killed for its memory", async () => {
  const { pool, run } = await openPool({ idleMemoryBytes: 100_000_000 });
  const { pid } = await run("fat");
  await pool.close();
  expect(isAlive(pid)).toBe(false);
});
