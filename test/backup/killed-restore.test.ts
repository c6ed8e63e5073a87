import { afterAll, afterEach, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { writeBackup } from "../../src/commands/backup.ts";
import { openDatabase } from "../../src/database/database.ts";
import { startFakeS3, type FakeS3 } from "../support/fake-s3.ts";
import { pngPhoto } from "../support/media-samples.ts";
import { freshDatabase, hasPostgres } from "../support/postgres.ts";
import { command } from "../support/process.ts";
import { seeded, type SeededRandom } from "../support/seeded-random.ts";
import { TestService } from "../support/service.ts";

setDefaultTimeout(300_000);

/** For each of the two targets. */
const kills = 5;
const posts = 6;

let kept: string;
let archive: string;
let folder: string;
let s3: FakeS3;
beforeAll(async () => {
  kept = await mkdtemp(join(tmpdir(), "image-sharing-killed-"));
  archive = join(kept, "b.tar");
  const service = await TestService.start({ DATA_DIR: join(kept, "data"), DATABASE_URL: "", FFMPEG: "off" });
  const { token } = await service.signUp();
  for (let i = 0; i < posts; i++) await service.upload(token, new Blob([await pngPhoto(40 + i)]));
  await service.close({ keepData: true });
  await writeBackup(join(kept, "data"), archive);
});
afterAll(() => rm(kept, { recursive: true }));
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "image-sharing-killed-"));
  s3 = await startFakeS3();
});
afterEach(async () => {
  await s3.close();
  await rm(folder, { recursive: true });
});

/** Runs a restore, and kills it after this many milliseconds. @returns whether it was still running */
async function restoreFor(environment: Record<string, string>, ms: number): Promise<boolean> {
  const child = Bun.spawn([...command, "restore", archive], {
    env: { PATH: process.env["PATH"], TMPDIR: folder, FFMPEG: "off", ...environment },
    cwd: folder,
    stdout: "ignore",
    stderr: "ignore",
  });
  await Promise.race([child.exited, Bun.sleep(ms)]);
  const isRunning = child.exitCode === null;
  child.kill("SIGKILL");
  await child.exited;
  return isRunning;
}

/** How long a restore takes that is not killed. */
async function timeOf(environment: Record<string, string>): Promise<number> {
  const start = performance.now();
  expect(await restoreFor(environment, 120_000)).toBe(false);
  return performance.now() - start;
}

/** Kills restores into new targets at random moments; every one of them can be repeated, until it is complete. */
async function killAndRepeat(
  random: SeededRandom,
  targetOf: (number: number) => Promise<Record<string, string>>,
  expectComplete: (target: Record<string, string>) => Promise<void>,
): Promise<void> {
  const first = await targetOf(0);
  const usualMs = await timeOf(first);
  await expectComplete(first);
  for (let number = 1, killed = 0; killed < kills; number++) {
    const target = await targetOf(number);
    // Several kills of one target meet what earlier ones left.
    let wasKilled = true;
    for (let tries = 0; wasKilled && tries < 3; tries++) {
      wasKilled = await restoreFor(target, random.integer(Math.ceil(usualMs * 1.1)));
      if (wasKilled) killed += 1;
    }
    if (wasKilled) await restoreFor(target, 120_000);
    // Also when it was killed after its last step: repeating it then says that the target is not empty.
    await expectComplete(target);
  }
}

async function expectPosts(where: Parameters<typeof openDatabase>[0]): Promise<void> {
  const database = await openDatabase(where);
  expect(await database.posts.countPublished()).toBe(posts);
  await database.close();
}

const filesIn = async (path: string) =>
  (await readdir(path, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).length;

test(
  "restore: killed at random moments and repeated, fills a data folder completely",
  seeded(async (random) => {
    await killAndRepeat(
      random,
      async (number) => ({ DATA_DIR: join(folder, String(number)), DATABASE_URL: "" }),
      async ({ DATA_DIR = "" }) => {
        await expectPosts(join(DATA_DIR, "image-sharing.db"));
        expect(await filesIn(join(DATA_DIR, "media"))).toBe(2 * posts);
        expect(await readdir(DATA_DIR)).toContain("jwt-secret");
      },
    );
  }),
);

test.skipIf(!hasPostgres)(
  "restore: killed at random moments and repeated, fills PostgreSQL and S3 completely",
  seeded(async (random) => {
    await killAndRepeat(
      random,
      async (number) => ({
        DATA_DIR: join(folder, String(number)),
        DATABASE_URL: await freshDatabase(),
        S3_BUCKET: s3.bucket,
        S3_ENDPOINT: s3.url,
        S3_REGION: s3.region,
        S3_ACCESS_KEY_ID: s3.accessKeyId,
        S3_SECRET_ACCESS_KEY: s3.secretAccessKey,
      }),
      async ({ DATABASE_URL = "", DATA_DIR = "" }) => {
        await expectPosts({ url: DATABASE_URL, poolSize: 1 });
        // The keys are the same in every restore, so that all but the first find their files there.
        expect(s3.objects.size).toBe(2 * posts);
        expect(await readdir(DATA_DIR)).toContain("jwt-secret");
      },
    );
  }),
);
