import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { PostRead } from "../../src/posts/post-read.ts";
import { createRenditionRunner } from "../../src/rendition-jobs/runner.ts";
import { programs } from "../renditions/ffmpeg/video-folder.ts";
import { mkvVideo } from "../support/media-samples.ts";
import { writeOddFfmpeg } from "../support/odd-ffmpeg.ts";
import { freshDatabase, hasPostgres, withServer } from "../support/postgres.ts";
import { TestService } from "../support/service.ts";
import { until } from "../support/until.ts";
import { TwoNodes } from "./two-nodes.ts";

setDefaultTimeout(60_000);

describe.skipIf(!hasPostgres || !programs)("nodes: renditions", () => {
  test("nodes: each MP4 is made by exactly one node, and each node makes one at a time", async () => {
    const dataDir = await mkdtemp(join(tmpdir(), "image-sharing-nodes-"));
    const settings = { DATA_DIR: dataDir, DATABASE_URL: await freshDatabase() };
    const nodes = [await TestService.start(settings), await TestService.start(settings)];
    const { promise: allBusy, resolve } = Promise.withResolvers<void>();
    const made: string[] = [];
    const busy = [0, 0];
    const runners = nodes.map(({ services }, node) =>
      createRenditionRunner(
        {
          ...services,
          videoTools: {
            ...services.videoTools!,
            async makeMp4({ path }, output) {
              made.push(path);
              busy[node]!++;
              expect(busy[node]).toBe(1);
              if (busy.every((count) => count > 0)) resolve();
              await allBusy;
              await Bun.write(output, "an MP4");
              busy[node]!--;
              return { width: 1, height: 1, durationSeconds: 1, hasAudio: false };
            },
          },
        },
        { pollMs: 20, renewalMs: 1000, retryMs: 1 },
      ),
    );
    try {
      const service = nodes[0]!;
      const posts: PostRead[] = [];
      for (const { token } of [await service.signUp(), await service.signUp()])
        for (let i = 0; i < 4; i++) {
          const answer = await service.upload(token, new Blob([mkvVideo()]));
          posts.push((await answer.json()) as PostRead);
        }
      for (const runner of runners) runner.start();
      const { posts: rows } = service.services.database;
      for (const { id } of posts) await until(async () => (await rows.byId(id))?.processing === false);
      const originals = posts.map(({ url }) => service.services.disk.resolve(url.split("/").at(-1)!));
      expect(made.sort()).toEqual(originals.sort());
      const files = (await service.mediaFiles()).filter((name) => name.endsWith(".display.mp4"));
      expect(files.sort()).toEqual(posts.map(({ id }) => `${id}.display.mp4`).sort());
    } finally {
      for (const runner of runners) await runner.stop();
      for (const node of nodes) await node.close({ keepData: true });
      await rm(dataDir, { recursive: true });
    }
  });

  test("nodes: an MP4 whose node was killed in the middle is made by another node when its lease has ended", async () => {
    const folder = await mkdtemp(join(tmpdir(), "odd-ffmpeg-"));
    const begun = join(folder, "begun");
    const hangsOnce = `mkdir ${begun} 2>/dev/null && exec sleep 1000`;
    const nodes = await TwoNodes.start(await freshDatabase(), {
      FFMPEG: await writeOddFfmpeg(programs!, folder, hangsOnce),
    });
    try {
      await nodes.b.stop();
      const token = await nodes.a.signUp("ada@example.com");
      const { id } = (await (await nodes.a.upload(token, new Blob([mkvVideo()]))).json()) as PostRead;
      await until(() => existsSync(begun));
      await nodes.a.kill();
      await nodes.b.start();
      const read = async () => (await (await nodes.b.fetch(`/posts/${id}`, { token })).json()) as PostRead;
      expect(await read()).toMatchObject({ processing: true });
      // As a minute later.
      await withServer(nodes.databaseUrl, (sql) => sql`update rendition_jobs set due_at = now()`);
      await until(async () => !(await read()).processing);
      const { display_url } = await read();
      expect(display_url).toEndWith(`/${id}.display.mp4`);
      expect((await nodes.b.fetch(new URL(display_url).pathname)).status).toBe(200);
    } finally {
      await nodes.end();
      await rm(folder, { recursive: true });
    }
  });
});
