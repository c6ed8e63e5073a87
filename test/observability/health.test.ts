import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createApp } from "../../src/app.ts";
import { createHealthCheck, sharedCheck } from "../../src/observability/health.ts";
import { TestService } from "../support/service.ts";

const outcome = (check: Promise<void>) =>
  check.then(
    () => "well",
    (error: Error) => error.message,
  );

test("health: concurrent callers share a running check", async () => {
  let runs = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  const check = sharedCheck("It", () => (runs++, promise), 1000);
  const answers = [check(), check(), check()];
  resolve();
  expect(await Promise.all(answers.map(outcome))).toEqual(["well", "well", "well"]);
  expect(runs).toBe(1);
  await check();
  expect(runs).toBe(2);
});

test("health: a hanging check fails at its deadline, then immediately, and starts again only after it has ended", async () => {
  let runs = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  const check = sharedCheck("It", () => (runs++, promise), 50);
  const hangs = "It has not answered within 50 ms";
  expect(await outcome(check())).toBe(hangs);
  // Timers end in their order, however busy the machine is: a new deadline would end after this one.
  const later = () => Bun.sleep(25).then(() => "later");
  for (let i = 0; i < 20; i++) expect(await Promise.race([outcome(check()), later()])).toBe(hangs);
  resolve();
  await Bun.sleep(0);
  expect([await outcome(check()), runs]).toEqual(["well", 2]);
});

describe("health: service", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "image-sharing-health-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  test("health: writes to the disk and leaves no file", async () => {
    const tempDir = join(folder, "tmp");
    const check = createHealthCheck(async () => {}, { tempDir, mediaDir: folder });
    expect(await outcome(check())).toBe("well");
    expect(await readdir(tempDir)).toEqual([]);
  });

  test("health: fails if the disk cannot be used or the media folder is missing", async () => {
    await Bun.write(join(folder, "file"), "in the way");
    for (const dirs of [
      { tempDir: join(folder, "file"), mediaDir: undefined },
      { tempDir: folder, mediaDir: join(folder, "nowhere") },
    ])
      expect(await outcome(createHealthCheck(async () => {}, dirs)())).not.toBe("well");
  });

  test("health: responds with 503 before the health command times out if the database fails or hangs", async () => {
    const service = await TestService.start();
    try {
      const { tempDir } = service.services;
      for (const ping of [() => Promise.reject(new Error("gone")), () => new Promise<never>(() => {})]) {
        const health = createHealthCheck(ping, { tempDir, mediaDir: undefined });
        const broken = createApp({ ...service.services, health });
        const answer = await Promise.race([
          broken.handle(new Request("http://localhost/health")),
          Bun.sleep(2900).then(() => Response.error()),
        ]);
        expect([answer.status, answer.headers.get("retry-after"), await answer.json()]).toEqual([
          503,
          "5",
          { detail: "Service temporarily unavailable" },
        ]);
        const [ready, live] = await Promise.all(
          ["/readyz", "/livez"].map((path) => broken.handle(new Request(`http://localhost${path}`))),
        );
        expect([ready!.status, live!.status, await live!.json()]).toEqual([503, 200, { status: "ok" }]);
      }
    } finally {
      await service.close();
    }
  });
});
