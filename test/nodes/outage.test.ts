import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdir } from "node:fs/promises";
import { join } from "node:path";

import { pngPhoto } from "../support/media-samples.ts";
import { canStartPostgres, PostgresServer, withServer } from "../support/postgres.ts";
import type { ServiceProcess } from "../support/process.ts";
import { until } from "../support/until.ts";
import { postOf, TwoNodes, type Post } from "./two-nodes.ts";

setDefaultTimeout(60_000);

const poolSize = 5;

describe.skipIf(!canStartPostgres)("outage: two nodes during and after a database outage", () => {
  let server: PostgresServer;
  let nodes: TwoNodes;
  let photo: Blob;
  let token: string;
  const acknowledged = new Map<string, Post>();
  beforeAll(async () => {
    photo = new Blob([await pngPhoto(16, 16)]);
    server = await PostgresServer.start();
    nodes = await TwoNodes.start(server.url("postgres"), {
      DATABASE_POOL_SIZE: String(poolSize),
      // Storing a photo takes longer than two seconds on a busy machine.
      UPLOAD_DEADLINE: "5",
      SWEEP_GRACE: "6",
    });
    token = await nodes.a.signUp("ada@example.com");
  });
  afterAll(async () => {
    await nodes?.end();
    await server?.stop();
  });

  /** Uploads and reads at both nodes while `disturb` runs. Returns the number of responses by status. */
  async function underLoad(disturb: () => Promise<void>): Promise<Record<number, number>> {
    const statuses: Record<number, number> = {};
    const refusals = new Set<string>();
    let disturbed = false;
    const client = async (node: ServiceProcess, ask: () => Promise<Response>) => {
      while (!disturbed) {
        // Far more than any response takes, so that a hanging node fails the test.
        const answer = await Promise.race([ask(), Bun.sleep(15_000).then(() => Response.error())]);
        statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
        const text = await answer.text();
        if (answer.status === 200 && text.includes(`"url"`) && !text.startsWith(`{"posts"`)) {
          const post = JSON.parse(text) as Post;
          acknowledged.set(post.id, post);
        } else if (answer.status !== 200) {
          refusals.add(`${text} ${answer.headers.get("retry-after")}`);
          await Bun.sleep(20);
        }
      }
    };
    const clients = [nodes.a, nodes.b].flatMap((node) => [
      ...[1, 2, 3].map(() => client(node, () => node.upload(token, photo))),
      client(node, () => node.fetch("/feed?limit=5", { token })),
      client(node, () => node.fetch("/users/me", { token })),
    ]);
    await disturb();
    // Both nodes recover without help.
    for (const node of [nodes.a, nodes.b])
      await until(async () => (await node.fetch("/feed", { token })).status === 200);
    disturbed = true;
    await Promise.all(clients);
    for (const refusal of refusals) expect(refusal).toBe('{"detail":"Service temporarily unavailable"} 5');
    return statuses;
  }

  /** Checks that both nodes have every acknowledged post with its bytes, and that no bytes lack a post. */
  async function expectNothingLost() {
    const paths: string[] = [];
    for (const node of [nodes.a, nodes.b]) {
      const found = new Map<string, Post>();
      for (let cursor: string | null = ""; cursor !== null;) {
        const answer = await node.fetch(`/feed?limit=200${cursor && `&cursor=${cursor}`}`, { token });
        const page = (await answer.json()) as { posts: Post[]; next_cursor: string | null };
        for (const post of page.posts) found.set(post.id, post);
        cursor = page.next_cursor;
      }
      expect([...acknowledged.keys()].filter((id) => !found.has(id))).toEqual([]);
      paths.splice(0, paths.length, ...found.values().map(({ url }) => new URL(url).pathname));
      for (const path of paths) expect([path, (await node.fetch(path)).status]).toEqual([path, 200]);
    }
    const keys = paths.map((path) => path.slice("/media/".length)).sort();
    const kept = async () =>
      (await readdir(join(nodes.folder, "media"), { recursive: true }))
        .map((name) => name.slice(3))
        .filter((name) => /^[^.]+\.png$/.test(name))
        .sort();
    await until(async () => (await kept()).length <= keys.length);
    expect(await kept()).toEqual(keys);
  }

  test.each(["fast", "immediate"] as const)(
    "outage: during a restart (%s), nodes respond with 503, lose no acknowledged post, and recover by themselves",
    async (mode) => {
      let back = 0;
      const statuses = await underLoad(async () => {
        const before = acknowledged.size;
        await until(() => acknowledged.size > before + 10);
        await server.control("stop", mode);
        for (const node of [nodes.a, nodes.b]) expect((await node.fetch("/health")).status).toBe(503);
        await Bun.sleep(700);
        await server.control("start");
        back = performance.now();
      });
      const summary = Object.entries(statuses).map(([status, times]) => `${status} × ${times}`);
      console.log(`${mode}: ${summary.join(", ")}; back ${Math.round(performance.now() - back)} ms after it`);
      expect(Object.keys(statuses)).toEqual(["200", "503"]);
      await expectNothingLost();
    },
  );

  test("outage: nodes recover after the database was frozen", async () => {
    const pids = await server.pids();
    const statuses = await underLoad(async () => {
      const before = acknowledged.size;
      await until(() => acknowledged.size > before + 10);
      for (const pid of pids) process.kill(pid, "SIGSTOP");
      await Bun.sleep(3000);
      for (const pid of pids) process.kill(pid, "SIGCONT");
      const frozen = acknowledged.size;
      await until(() => acknowledged.size > frozen + 10);
    });
    expect(Object.keys(statuses).filter((status) => status !== "503")).toEqual(["200"]);
    await expectNothingLost();
  });

  test("outage: nodes never exceed their connection limit", async () => {
    let most = 0;
    await underLoad(() =>
      withServer(server.url("postgres"), async (sql) => {
        for (let look = 0; look < 20; look++) {
          const [{ connections }] =
            await sql`select count(*)::int connections from pg_stat_activity where application_name = 'image-sharing'`;
          most = Math.max(most, connections);
          await Bun.sleep(20);
        }
      }),
    );
    expect(most).toBeWithin(2, 2 * poolSize + 1);
  });

  test("outage: logs contain no queries, parameters or server addresses", async () => {
    const log = await nodes.log();
    expect(log).toContain("request.failed");
    expect(log).not.toMatch(/\b(select|insert into|update|delete from)\b.*\b(posts|users)\b/i);
    expect(log).not.toContain("ada@example.com");
    for (const id of [...acknowledged.keys()].slice(0, 50)) expect(log).not.toContain(id);
    expect(log).not.toContain('"level":"error","event":"request.failed"');
  });
});
