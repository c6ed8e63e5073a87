// Long: kills the command ten times, and its last run waits until the leases of the killed ones have ended.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { openDatabase } from "../../src/database/database.ts";
import { readConfig } from "../../src/config/config.ts";
import { startFakeS3, type FakeS3 } from "../support/fake-s3.ts";
import { jpegPhoto } from "../support/media-samples.ts";
import { diskAndBucket, startMoveMedia } from "../support/move-media-command.ts";
import { databaseSettings } from "../support/postgres.ts";
import { ServiceProcess } from "../support/process.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(600_000);

const posts = 150;

let folder: string;
let s3: FakeS3;
let settings: Record<string, string>;
let service: ServiceProcess;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "image-sharing-move-killed-"));
  s3 = await startFakeS3();
  settings = { ...diskAndBucket(s3), SWEEP_INTERVAL: "1", ...(await databaseSettings(folder)) };
  service = new ServiceProcess(folder, settings);
  await service.start();
});
afterAll(async () => {
  await service.kill();
  await s3.close();
  await rm(folder, { recursive: true, force: true });
});

const onDisk = async () =>
  (await readdir(join(folder, "media"), { recursive: true, withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  ).length;

test("move-media: killed ten times, it loses nothing and leaves nothing", async () => {
  const token = await service.signUp("ada@example.com");
  const photo = new Blob([await jpegPhoto(640, 480)]);
  const ids: string[] = [];
  for (let i = 0; i < posts; i++)
    ids.push(((await (await service.upload(token, photo)).json()) as { id: string }).id);
  const puts = () => s3.calls.filter((call) => call === "PUT").length;
  for (let kill = 0; kill < 10; kill++) {
    const before = puts();
    const move = startMoveMedia(folder, ["--to", "s3"], settings);
    await until(() => puts() >= before + 3 + kill * 2);
    move.kill("SIGKILL");
    await move.result();
    const answers = await Promise.all(
      ids.map(async (id) => (await service.fetch(`/media/${id}.jpg`)).status),
    );
    expect(new Set(answers)).toEqual(new Set([200]));
  }
  const { status, out } = await startMoveMedia(folder, ["--to", "s3"], settings).result();
  expect(out).toContain("posts moved to s3");
  expect(status).toBe(0);
  expect(s3.objects.size).toBe(2 * posts);
  const { database: server } = readConfig(settings);
  const database = await openDatabase(server ?? join(folder, "image-sharing.db"));
  for (const id of ids) await database.mediaCopies.expire(id, new Date());
  await database.close();
  await until(async () => (await onDisk()) === 0);
  expect(s3.objects.size).toBe(2 * posts);
  for (const id of ids) expect((await service.fetch(`/media/${id}.jpg`)).status).toBe(200);
});
