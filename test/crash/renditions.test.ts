import { expect, test } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { jpegPhoto } from "../support/media-samples.ts";
import { onPostgres } from "../support/postgres.ts";
import { ServiceProcess } from "../support/process.ts";
import { seeded } from "../support/seeded-random.ts";
import { until } from "../support/until.ts";

// For more kills: CRASH_KILLS=50 bun test test/crash
const kills = Number(process.env["CRASH_KILLS"] ?? 3);

interface Shared {
  id: string;
  processing: boolean;
}

// With several nodes, the jobs of a killed one wait for the end of their leases.
test.skipIf(onPostgres)(
  "crash: killed at random while renditions are made, the service makes all of them, and keeps none of deleted posts",
  seeded(async (random) => {
    const dataDir = await mkdtemp(join(tmpdir(), "image-sharing-crash-"));
    const service = new ServiceProcess(dataDir, {
      SWEEP_INTERVAL: "1",
      FFMPEG: Bun.which("ffmpeg") ?? "off",
    });
    const photo = new Blob([await jpegPhoto(2100, 350)]);
    const feed = async (token: string) =>
      ((await (await service.fetch("/feed?limit=200", { token })).json()) as { posts: Shared[] }).posts;
    try {
      await service.start();
      const token = await service.signUp("ada@example.com");
      for (let kill = 0; kill < kills; kill++) {
        const { id } = (await (await service.upload(token, photo)).json()) as Shared;
        await service.upload(token, photo);
        if (random.chance(0.5)) {
          await Bun.sleep(random.integer(1000));
          await service.fetch(`/posts/${id}`, { method: "DELETE", token });
        }
        await Bun.sleep(random.integer(1500));
        await service.kill();
        await service.start();
      }
      await until(async () => (await feed(token)).every(({ processing }) => !processing), {
        timeoutMs: 120_000,
      });
      const expected = (await feed(token)).flatMap(({ id }) =>
        ["display.webp", "jpg", "thumb.webp"].map((end) => `${id}.${end}`),
      );
      const stored = async () => {
        const entries = await readdir(join(dataDir, "media"), { recursive: true, withFileTypes: true });
        return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
      };
      await until(async () => (await stored()).length <= expected.length, { timeoutMs: 120_000 });
      expect((await stored()).sort()).toEqual(expected.sort());
      // That of this process.
      expect(await readdir(join(dataDir, "tmp"), { recursive: true })).toHaveLength(1);
    } finally {
      await service.kill();
      await rm(dataDir, { recursive: true, force: true });
    }
  }),
  300_000 + kills * 10_000,
);
