import { describe, expect, test } from "bun:test";
import { existsSync, statfsSync, statSync } from "node:fs";
import { mkdtemp, open, rm, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { writePhoto } from "../../bench/media-files.ts";
import { mp4Video, pngPhoto } from "../support/media-samples.ts";
import { onPostgres } from "../support/postgres.ts";
import { TestService } from "../support/service.ts";
import { until } from "../support/until.ts";

const shell = (...command: string[]) => Bun.spawnSync(command).exitCode === 0;
const folder = await mkdtemp(join(tmpdir(), "image-sharing-tmpfs-"));
const mounted = shell("mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", folder);
if (!mounted) console.log("skipped: the tests of a full disk need the right to mount one");
if (mounted) shell("umount", folder);
await rm(folder, { recursive: true, force: true });

describe.skipIf(!mounted)("upload: service on a small disk", () => {
  async function onDisk(
    test: (service: TestService, remount: (options: string) => void) => Promise<void>,
  ): Promise<void> {
    const disk = await mkdtemp(join(tmpdir(), "image-sharing-tmpfs-"));
    shell("mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", disk);
    // The disk is smaller than the default of MIN_FREE_SPACE.
    const service = await TestService.start({ DATA_DIR: disk, MIN_FREE_SPACE: "off" });
    try {
      await test(service, (options) => {
        if (!shell("mount", "-o", `remount,${options}`, disk)) throw new Error(`cannot remount ${options}`);
      });
    } finally {
      shell("mount", "-o", "remount,rw,size=20m", disk);
      await service.close({ keepData: true }).catch(() => {});
      // Lazily, because SQLite closes its files only when its statements are garbage-collected.
      shell("umount", "-l", disk);
      await rm(disk, { recursive: true, force: true });
    }
  }

  /** A video followed by this many zero bytes. */
  const video = (padding: number) => {
    const free = Buffer.alloc(padding);
    free.writeUInt32BE(padding, 0);
    free.write("free", 4, "latin1");
    return new Blob([mp4Video(), free]);
  };
  const feed = async (service: TestService, token: string) =>
    ((await (await service.fetch("/feed", { token })).json()) as { posts: { id: string }[] }).posts.map(
      ({ id }) => id,
    );

  test("upload: a full disk gets 507 and loses no post, and uploads work again once there is space", () =>
    onDisk(async (service, remount) => {
      const { token } = await service.signUp();
      const { id } = (await (await service.upload(token, new Blob([await pngPhoto()]))).json()) as {
        id: string;
      };
      const answer = await service.upload(token, video(7 * 1024 * 1024));
      expect([answer.status, await answer.json()]).toEqual([507, { detail: "Storage is full" }]);
      expect(await feed(service, token)).toEqual([id]);
      await until(async () => (await service.tempFiles()).length === 0);
      remount("size=20m");
      expect((await service.upload(token, video(7 * 1024 * 1024))).status).toBe(200);
      expect(await feed(service, token)).toHaveLength(2);
    }));

  test("upload: rejects with 507 a photo that fits on the disk only without its cleaned copy", () =>
    onDisk(async (service) => {
      const { token } = await service.signUp();
      const path = join(service.dataDir, "photo.jpg");
      await writePhoto(path);
      const photo = await Bun.file(path).bytes();
      const comment = new Uint8Array([0xff, 0xfe, 0, 5, 1, 2, 3]);
      await rm(path);
      const { bavail, bsize } = await statfs(service.dataDir);
      await Bun.write(path, new Uint8Array(bavail * bsize - 1.5 * photo.length));
      expect(
        (await service.upload(token, new Blob([photo.subarray(0, 2), comment, photo.subarray(2)]))).status,
      ).toBe(507);
      await rm(path);
      expect(await feed(service, token)).toEqual([]);
    }));

  /** Fills the disk to the last byte. */
  async function fill(folder: string): Promise<void> {
    const file = await open(join(folder, "filling"), "w");
    const chunk = new Uint8Array(4096);
    for (let full = false; !full;)
      full = await file.write(chunk).then(
        () => false,
        () => true,
      );
    await file.close();
  }
  const reserveOf = (service: TestService) => join(service.dataDir, "image-sharing.db-reserve");

  test("upload: login, logout, deletion and password change still work on a completely full disk", () =>
    onDisk(async (service, remount) => {
      const { token, email } = await service.signUp();
      const { id } = (await (await service.upload(token, new Blob([await pngPhoto()]))).json()) as {
        id: string;
      };
      const others = await Promise.all([1, 2, 3].map(() => service.login(email)));
      const tokens = await Promise.all(
        others.map(async (answer) => ((await answer.json()) as { access_token: string }).access_token),
      );
      await service.services.database.reserve?.refill();
      await fill(service.dataDir);

      expect((await service.upload(token, new Blob([await pngPhoto()]))).status).toBe(507);
      expect((await service.fetch("/health")).status).toBe(200);
      const logout = (one: string) => service.fetch("/auth/jwt/logout", { method: "POST", token: one });
      expect((await Promise.all(tokens.map(logout))).map(({ status }) => status)).toEqual([204, 204, 204]);
      expect((await service.fetch("/users/me", { token: tokens[0] })).status).toBe(401);
      expect((await service.fetch(`/posts/${id}`, { method: "DELETE", token })).status).toBe(200);
      const password = "another long one";
      expect((await service.fetch("/users/me", { method: "PATCH", token, json: { password } })).status).toBe(
        200,
      );
      expect((await service.login(email, password)).status).toBe(200);
      expect(await feed(service, (await service.signUp()).token)).toEqual([]);

      if (!onPostgres) {
        expect(existsSync(reserveOf(service))).toBe(false);
        expect(service.logged.filter((line) => line.includes("disk.reserve_released"))).toHaveLength(1);
        remount("size=60m");
        await service.services.database.reserve?.refill();
        expect(statSync(reserveOf(service)).size).toBe(16 * 1024 ** 2);
      }
    }));

  test.skipIf(onPostgres)("upload: the service starts on a completely full disk", () =>
    onDisk(async (first) => {
      const { email } = await first.signUp();
      await first.services.database.reserve?.refill();
      await first.close({ keepData: true });
      await fill(first.dataDir);
      const service = await TestService.start({ DATA_DIR: first.dataDir });
      const { access_token } = (await (await service.login(email)).json()) as { access_token: string };
      expect((await service.fetch("/auth/jwt/logout", { method: "POST", token: access_token })).status).toBe(
        204,
      );
      await service.close({ keepData: true });
    }),
  );

  test("upload: rejects an upload before reading it if less than MIN_FREE_SPACE is free, 1 GB by default", () =>
    onDisk(async (unlimited, remount) => {
      remount("size=60m");
      const photo = new Blob([await pngPhoto()]);
      for (const [setting, status] of [
        [undefined, 507],
        ["40mb", 200],
        ["50gb", 507],
      ] as const) {
        const service = await TestService.start({
          DATA_DIR: unlimited.dataDir,
          ...(setting !== undefined && { MIN_FREE_SPACE: setting }),
        });
        const { token } = await service.signUp();
        expect([setting, (await service.upload(token, photo)).status]).toEqual([setting, status]);
        await service.close({ keepData: true });
      }
    }));

  test("upload: ends an upload of unknown length before it uses the space reserved by MIN_FREE_SPACE", () =>
    onDisk(async (unlimited, remount) => {
      remount("size=60m");
      const service = await TestService.start({ DATA_DIR: unlimited.dataDir, MIN_FREE_SPACE: "40mb" });
      const { token } = await service.signUp();
      let least = Number.POSITIVE_INFINITY;
      const watch = setInterval(() => {
        const { bavail, bsize } = statfsSync(service.dataDir);
        least = Math.min(least, bavail * bsize);
      }, 1);
      expect((await service.upload(token, video(45 * 1024 ** 2))).status).toBe(507);
      clearInterval(watch);
      // Minus the chunk that was being written.
      expect(least).toBeGreaterThan(35 * 1024 ** 2);
      await service.close({ keepData: true });
    }));

  test("upload: reports why it rejects an upload even if the temp folder is not writable", () =>
    onDisk(async (service) => {
      const { token } = await service.signUp();
      const { tempDir } = service.services;
      shell("mount", "--bind", tempDir, tempDir);
      shell("mount", "-o", "remount,bind,ro", tempDir);
      const statusOf = async (file: Blob) => (await service.upload(token, file)).status;
      expect(await statusOf(new Blob(["no image ".repeat(1000)]))).toBe(415);
      expect(await statusOf(new Blob([]))).toBe(422);
      expect(await statusOf(new Blob([await pngPhoto()]))).toBe(503);
      shell("umount", tempDir);
      expect(await statusOf(new Blob([await pngPhoto()]))).toBe(200);
    }));
});
