import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, stat, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { writeBackup } from "../../src/commands/backup.ts";
import { onPostgres } from "../support/postgres.ts";
import { ServiceProcess } from "../support/process.ts";

const canMount =
  process.getuid?.() === 0 &&
  ["mkfs.exfat", "mount.exfat-fuse", "losetup", "umount"].every((name) => Bun.which(name)) &&
  existsSync("/dev/fuse") &&
  Bun.spawnSync(["losetup", "--find"]).success;
if (!canMount) console.log("skipped: the test of an exFAT file system needs root, exfatprogs and exfat-fuse");

/** Runs a program, which must succeed. */
function run(...command: string[]): string {
  const { success, stdout, stderr } = Bun.spawnSync(command);
  if (!success) throw new Error(`${command.join(" ")}: ${stderr.toString()}`);
  return stdout.toString().trim();
}

describe.skipIf(!canMount || onPostgres)("on an exFAT file system, which has no hard links", () => {
  let folder: string;
  let disk: string;
  let loop: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "image-sharing-exfat-"));
    disk = join(folder, "disk");
    await mkdir(disk);
    await Bun.write(join(folder, "image"), "");
    await truncate(join(folder, "image"), 64 * 1024 ** 2);
    run("mkfs.exfat", join(folder, "image"));
    loop = run("losetup", "--find", "--show", join(folder, "image"));
    run("mount.exfat-fuse", loop, disk);
  });
  afterEach(async () => {
    run("umount", disk);
    run("losetup", "--detach", loop);
    await rm(folder, { recursive: true });
  });

  test("serve and backup: work on a file system without hard links", async () => {
    const service = new ServiceProcess(join(disk, "data"), { MIN_FREE_SPACE: "off" });
    try {
      await service.start();
      await service.signUp("ada@example.com");
      await writeBackup(service.dataDir, join(disk, "backup.tar"));
      expect((await stat(join(disk, "backup.tar"))).size).toBeGreaterThan(10_000);
      expect(await readdir(disk)).toEqual(["backup.tar", "data"]);
      await expect(writeBackup(service.dataDir, join(disk, "backup.tar"))).rejects.toThrow("already exists");
      expect(await service.stop()).toBe(0);
    } finally {
      await service.kill();
    }
  });

  test("secret: processes that start at the same time on a file system without hard links agree on one", async () => {
    const module = join(import.meta.dir, "../../src/accounts/jwt-secret.ts");
    const script = `process.stdout.write(await (await import(${JSON.stringify(module)})).loadOrCreateSecret(${JSON.stringify(disk)}))`;
    const children = Array.from({ length: 4 }, () => Bun.spawn([process.execPath, "-e", script]));
    const secrets = await Promise.all(children.map(({ stdout }) => new Response(stdout).text()));
    expect(new Set(secrets).size).toBe(1);
    expect(secrets[0]).toMatch(/^[\w-]{64}$/);
    expect(await readdir(disk)).toEqual(["jwt-secret"]);
  });
});
