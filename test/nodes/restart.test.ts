import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { pngPhoto } from "../support/media-samples.ts";
import { canStartPostgres, PostgresServer } from "../support/postgres.ts";
import { ServiceProcess } from "../support/process.ts";

interface Answer {
  status: number;
  text: string;
  retryAfter: string | null;
}

describe.skipIf(!canStartPostgres)("while the database is restarted under load", () => {
  let server: PostgresServer;
  let folder: string;
  let nodes: ServiceProcess[];
  beforeAll(async () => {
    server = await PostgresServer.start();
    folder = await mkdtemp(join(tmpdir(), "image-sharing-nodes-"));
    const settings = {
      DATABASE_URL: server.url("postgres"),
      JWT_SECRET_KEY: "the same secret on every node, 32 bytes",
      LOG_LEVEL: "silent",
      UPLOAD_DEADLINE: "2",
      SWEEP_GRACE: "3",
      SWEEP_INTERVAL: "1",
    };
    nodes = [0, 1].map(() => new ServiceProcess(folder, settings));
    await Promise.all(nodes.map((node) => node.start()));
  });
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.kill()));
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const read = async (answer: Response): Promise<Answer> => ({
    status: answer.status,
    text: await answer.text(),
    retryAfter: answer.headers.get("retry-after"),
  });

  async function feedOf(node: ServiceProcess, headers: Record<string, string>): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    for (let next = ""; ;) {
      const answer = await fetch(`${node.address}/feed?limit=200${next}`, { headers });
      const page = (await answer.json()) as {
        posts: { id: string; url: string }[];
        next_cursor: string | null;
      };
      for (const { id, url } of page.posts) found.set(id, url);
      if (page.next_cursor === null) return found;
      next = `&cursor=${page.next_cursor}`;
    }
  }

  test.each(["fast", "immediate"] as const)(
    "%s: requests get 503, nothing acknowledged is lost, and both nodes go on by themselves",
    async (mode) => {
      const token = await nodes[0]!.signUp(`${mode}@example.com`);
      const headers = { authorization: `Bearer ${token}` };
      const photo = new Blob([await pngPhoto(64, 64)]);
      const acknowledged = new Set<string>();
      const refused: Answer[] = [];
      let isOver = false;

      const upload = (node: ServiceProcess) => {
        const form = new FormData();
        form.set("file", photo, "photo.png");
        return fetch(`${node.address}/upload`, { method: "POST", headers, body: form });
      };
      const clients = Array.from({ length: 8 }, async (_, i) => {
        while (!isOver) {
          const answer = await read(await upload(nodes[i % 2]!));
          if (answer.status === 200) acknowledged.add((JSON.parse(answer.text) as { id: string }).id);
          else refused.push(answer);
        }
      });
      await Bun.sleep(300);
      const before = acknowledged.size;
      await server.control("stop", mode);
      for (const node of nodes) refused.push(await read(await fetch(`${node.address}/feed`, { headers })));
      await server.control("start");
      for (const node of nodes) {
        let tries = 0;
        while ((await fetch(`${node.address}/feed`, { headers })).status !== 200) {
          expect((tries += 1)).toBeLessThan(100);
          await Bun.sleep(50);
        }
      }
      await Bun.sleep(300);
      isOver = true;
      await Promise.all(clients);

      for (const answer of refused)
        expect(answer).toEqual({
          status: 503,
          text: '{"detail":"Service temporarily unavailable"}',
          retryAfter: "5",
        });
      expect(refused.length).toBeGreaterThanOrEqual(nodes.length);
      expect(before).toBeGreaterThan(0);
      expect(acknowledged.size).toBeGreaterThan(before);
      for (const node of nodes) {
        const published = await feedOf(node, headers);
        expect([...acknowledged].filter((id) => !published.has(id))).toEqual([]);
        // Also what was published and could not be acknowledged has its bytes.
        for (const url of published.values())
          expect((await fetch(node.address + new URL(url).pathname, { method: "HEAD" })).status).toBe(200);
      }
    },
    60_000,
  );
});
