import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { cp, exists, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { startFakeS3, type FakeS3 } from "../support/fake-s3.ts";
import { pngPhoto } from "../support/media-samples.ts";
import { diskAndBucket } from "../support/move-media-command.ts";
import { sampleDatabase } from "../support/original-database.ts";
import { databaseSettings, onPostgres } from "../support/postgres.ts";
import { command, ServiceProcess } from "../support/process.ts";

setDefaultTimeout(300_000);

let folder: string;
let s3: FakeS3;
let service: ServiceProcess;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "image-sharing-wrong-folder-"));
  s3 = await startFakeS3();
  service = new ServiceProcess(join(folder, "data"), diskAndBucket(s3));
});
afterEach(async () => {
  await service.kill();
  await s3.close();
  await rm(folder, { recursive: true, force: true });
});

/** Runs a command on the service's database with another data folder. */
async function run(dataDir: string, ...args: string[]) {
  const child = Bun.spawn([...command, ...args], {
    env: {
      PATH: process.env["PATH"],
      FFMPEG: "off",
      ...diskAndBucket(s3),
      ...(await databaseSettings(service.dataDir)),
      DATA_DIR: dataDir,
    },
    cwd: folder,
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, error] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { out, error, status: await child.exited };
}

// With SQLite, the folder has the database.
test.skipIf(!onPostgres)("commands: store no media in a data folder that is not the service's", async () => {
  await service.start();
  const token = await service.signUp("ada@example.com");
  await service.upload(token, new Blob([await pngPhoto()]));
  const photos = join(folder, "photos");
  await Bun.write(join(photos, "a.png"), await pngPhoto(20, 20));
  const imports = ["import-folder", photos, "--for", "ada@example.com"];

  const missing = join(folder, "missing");
  for (const args of [["move-media", "--to", "disk"], ["renditions"], imports])
    expect(await run(missing, ...args)).toEqual({
      out: "",
      error: `There is no folder ${join(missing, "media")}, which the service has created at its start. Set DATA_DIR to the folder of the service.\n`,
      status: 1,
    });
  const dryRun = ["import", sampleDatabase, "--copy-media", "--dry-run"];
  expect(await run(missing, ...dryRun)).toMatchObject({
    error: expect.stringContaining(`${join(missing, "media")} has none of the files of the latest posts`),
    status: 1,
  });
  expect(await exists(missing)).toBe(false);

  // As a command leaves it that was run with a wrong folder before.
  const other = join(folder, "other");
  await run(other, "superuser", "ada@example.com");
  const copies = ["import", sampleDatabase, "--copy-media"];
  for (const args of [["move-media", "--to", "disk"], imports, copies, dryRun])
    expect(await run(other, ...args)).toMatchObject({
      out: "",
      error: expect.stringContaining(`${join(other, "media")} has none of the files of the latest posts`),
      status: 1,
    });

  // Files that stay in ImageKit need no folder.
  expect(await run(other, "import", sampleDatabase, "--dry-run")).toMatchObject({
    out: expect.stringMatching(/^Would import 3 accounts and 4 posts /),
  });

  const mounted = join(folder, "mounted elsewhere");
  await cp(join(service.dataDir, "media"), join(mounted, "media"), { recursive: true });
  expect(await run(mounted, ...imports)).toMatchObject({
    out: expect.stringMatching(/^Imported 1 file /),
    status: 0,
  });
});
