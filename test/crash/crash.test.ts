import { describe, expect, test } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

import { startFakeImageKit } from "../support/fake-imagekit.ts";
import { pngPhoto } from "../support/media-samples.ts";
import { onPostgres } from "../support/postgres.ts";
import { ServiceProcess } from "../support/process.ts";
import { seeded, type SeededRandom } from "../support/seeded-random.ts";
import { until } from "../support/until.ts";

// For more kills: CRASH_KILLS=50 bun test test/crash
const kills = Number(process.env["CRASH_KILLS"] ?? 3);

/** Acknowledged changes, and requests without a response. */
class Ledger {
  readonly published = new Map<string, string>();
  readonly deleted = new Set<string>();
  readonly unanswered = new Set<string>();
}

/** Uploads and deletes until stopped. The service may be killed at any time. */
async function disturb(
  service: ServiceProcess,
  token: string,
  ledger: Ledger,
  stopped: () => boolean,
  photo: Blob,
  random: SeededRandom,
) {
  const headers = { authorization: `Bearer ${token}` };
  while (!stopped()) {
    try {
      const form = new FormData();
      form.set("file", photo, "photo.png");
      const upload = await fetch(`${service.address}/upload`, { method: "POST", headers, body: form });
      if (upload.status !== 200) continue;
      const { id, url } = (await upload.json()) as { id: string; url: string };
      ledger.published.set(id, basename(new URL(url).pathname));
      if (random.chance(0.5)) continue;
      ledger.unanswered.add(id);
      const deletion = await fetch(`${service.address}/posts/${id}`, { method: "DELETE", headers });
      if (deletion.status !== 200) continue;
      ledger.unanswered.delete(id);
      ledger.published.delete(id);
      ledger.deleted.add(id);
    } catch {
      // The service was killed during the request.
      await Bun.sleep(5);
    }
  }
}

async function feedOf(service: ServiceProcess, token: string): Promise<Map<string, string>> {
  const posts = new Map<string, string>();
  for (let cursor = ""; ;) {
    const answer = await fetch(`${service.address}/feed?limit=200${cursor && `&cursor=${cursor}`}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const page = (await answer.json()) as {
      posts: { id: string; url: string }[];
      next_cursor: string | null;
    };
    for (const { id, url } of page.posts) posts.set(id, basename(new URL(url).pathname));
    if (page.next_cursor === null) return posts;
    cursor = page.next_cursor;
  }
}

async function storedOnDisk(dataDir: string): Promise<string[]> {
  const entries = await readdir(join(dataDir, "media"), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile() && !entry.name.includes(".thumb.")).map(({ name }) => name);
}

describe.each(["disk", "imagekit"])("crash: killed at random during uploads to %s and deletions", (store) => {
  test(
    "crash: keeps every acknowledged post, no deleted one, and no bytes without a post",
    seeded(async (random) => {
      const dataDir = await mkdtemp(join(tmpdir(), "image-sharing-crash-"));
      const fake = store === "imagekit" ? await startFakeImageKit() : undefined;
      const service = new ServiceProcess(dataDir, {
        SWEEP_INTERVAL: "1",
        // With several nodes, an upload counts as abandoned only after the grace period.
        ...(onPostgres && { UPLOAD_DEADLINE: "2", SWEEP_GRACE: "3" }),
        ...(fake && {
          IMAGEKIT_PUBLIC_KEY: "public_test",
          IMAGEKIT_PRIVATE_KEY: fake.privateKey,
          IMAGEKIT_URL_ENDPOINT: fake.urlEndpoint,
          IMAGE_KIT_BASE_URL: fake.url,
        }),
      });
      const ledger = new Ledger();
      const photo = new Blob([await pngPhoto(64, 64)]);
      try {
        await service.start();
        const token = await service.signUp("ada@example.com");
        for (let kill = 0; kill < kills; kill++) {
          let stopped = false;
          const clients = Array.from({ length: 6 }, () =>
            disturb(service, token, ledger, () => stopped, photo, random),
          );
          // On a busy machine the first acknowledged post takes a while.
          const acknowledged = () => ledger.published.size + ledger.deleted.size;
          const before = acknowledged();
          await until(() => acknowledged() >= before + 2);
          await Bun.sleep(random.integer(400));
          await service.kill();
          stopped = true;
          await Promise.all(clients);
          await service.start();
        }

        const stored = async () =>
          (fake
            ? fake.files
                .values()
                .map(({ name }) => name)
                .toArray()
            : await storedOnDisk(dataDir)
          ).sort();
        const published = await feedOf(service, token);
        const keys = [...published.values()].sort();
        // The sweep runs concurrently with the first requests.
        await until(async () => (await stored()).join() === keys.join());
        const lost = [...ledger.published.keys()].filter(
          (id) => !published.has(id) && !ledger.unanswered.has(id),
        );
        expect(lost).toEqual([]);
        expect([...ledger.deleted].filter((id) => published.has(id))).toEqual([]);
        expect(ledger.published.size + ledger.deleted.size).toBeGreaterThan(kills);
        expect(await readdir(join(dataDir, "tmp"), { recursive: true })).toHaveLength(1);
      } finally {
        await service.kill();
        await fake?.close();
        await rm(dataDir, { recursive: true, force: true });
      }
    }),
    60_000 + kills * 5000,
  );
});
