import { expect, test } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { onPostgres } from "../support/postgres.ts";
import { ServiceProcess } from "../support/process.ts";
import { frameOf, randomVideo } from "../support/random-video.ts";
import { seeded, type SeededRandom } from "../support/seeded-random.ts";
import { postIdIn, TusRequests } from "../support/tus.ts";
import { until } from "../support/until.ts";

// For more kills: CRASH_KILLS=50 bun test test/crash
const kills = Number(process.env["CRASH_KILLS"] ?? 3);

/** Uploads a video. The service may be killed at any time. Returns the id of its post. */
async function upload(
  tus: TusRequests,
  video: Uint8Array<ArrayBuffer>,
  random: SeededRandom,
): Promise<string> {
  let path: string | undefined;
  let told = 0;
  for (;;) {
    try {
      path ??= await tus.begin(video.length);
      const head = await tus.head(path);
      expect(head.status).toBe(200);
      const offset = Number(head.headers.get("upload-offset"));
      if (offset < told) expect.unreachable(`the service told ${told}, and then ${offset}`);
      told = offset;
      const published = postIdIn(head);
      if (published !== undefined) return published;
      const answer = await tus.patch(path, offset, video.slice(offset, offset + 1 + random.integer(900_000)));
      expect(answer.status).toBe(204);
      told = Number(answer.headers.get("upload-offset"));
    } catch (error) {
      // The service was killed during the request.
      if (!lostConnection.test(String((error as { code?: unknown }).code))) throw error;
      await Bun.sleep(5);
    }
  }
}

const lostConnection = /^(?:ConnectionRefused|ConnectionClosed|ECONNREFUSED|ECONNRESET)$/;

test(
  "crash: resumable uploads go on after kills at random, and make exactly one post of the same bytes each",
  seeded(async (random) => {
    const dataDir = await mkdtemp(join(tmpdir(), "image-sharing-crash-"));
    const service = new ServiceProcess(dataDir, {
      SWEEP_INTERVAL: "1",
      ...(onPostgres && { UPLOAD_DEADLINE: "2", SWEEP_GRACE: "3" }),
    });
    try {
      await service.start();
      const token = await service.signUp("ada@example.com");
      const tus = new TusRequests(service, token);
      const videos = new Map<string, Uint8Array>();
      let stopped = false;
      const client = async (seed: number) => {
        for (let each = seed; !stopped; each += 10) {
          const video = randomVideo(1_000_000 + random.integer(1_000_000), each);
          videos.set(await upload(tus, video, random), video);
        }
      };
      const clients = Promise.all([1, 2, 3].map(client));
      // Awaited below; until then a failure must not end this process before the service.
      clients.catch(() => (stopped = true));
      for (let kill = 0; kill < kills; kill++) {
        const before = videos.size;
        await until(() => stopped || videos.size > before);
        await Bun.sleep(random.integer(300));
        await service.kill();
        await service.start();
      }
      stopped = true;
      await clients;

      const feed = await service.fetch("/feed?limit=200", { token });
      const { posts } = (await feed.json()) as { posts: { id: string; url: string }[] };
      expect(posts.map(({ id }) => id).sort()).toEqual([...videos.keys()].sort());
      for (const { id, url } of posts) {
        const stored = await (await service.fetch(new URL(url).pathname)).bytes();
        expect(frameOf(stored).equals(frameOf(videos.get(id)!))).toBeTrue();
      }
      await until(async () => (await readdir(join(dataDir, "uploads"))).length === 1);
    } finally {
      await service.kill();
      await rm(dataDir, { recursive: true, force: true });
    }
  }),
  60_000 + kills * 10_000,
);
