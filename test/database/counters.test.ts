import { afterEach, beforeEach, describe, expect, setSystemTime, test } from "bun:test";

import { openDatabase, type Database } from "../../src/database/database.ts";
import { freshDatabase, hasPostgres, withServer } from "../support/postgres.ts";

describe.skipIf(!hasPostgres)("shared counters", () => {
  let url: string;
  let nodes: Database[];
  beforeEach(async () => {
    url = await freshDatabase();
    nodes = await Promise.all([1, 2].map(() => openDatabase({ url, poolSize: 4 })));
  });
  afterEach(async () => {
    setSystemTime();
    for (const node of nodes) await node.close();
  });

  const consume = (node: number, key: string, points: number, window = 3600) =>
    nodes[node]!.counters!.consume(key, points, window);
  const keys = () =>
    withServer(url, async (sql) => (await sql`select key from counters order by key`).values().toArray());
  /** Ends the window of this key. */
  const end = (key: string) =>
    withServer(
      url,
      (sql) => sql`update counters set ends_at = now() - interval '1 millisecond' where key = ${key}`,
    );

  test("shared counters: count every point once, whichever node takes it", async () => {
    const taken = await Promise.all(Array.from({ length: 40 }, (_, i) => consume(i % 2, "login:ada", 1)));
    expect(taken.map(({ used }) => used).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 40 }, (_, i) => i + 1),
    );
    expect((await consume(0, "login:bob", 1)).used).toBe(1);
  });

  test("shared counters: end windows by the database's clock, not by the node's", async () => {
    await consume(0, "k", 5);
    setSystemTime(new Date(Date.now() + 90 * 86_400_000));
    const { used, endsInSeconds } = await consume(1, "k", 1);
    expect(used).toBe(6);
    expect(endsInSeconds).toBeGreaterThan(0);
    expect(endsInSeconds).toBeLessThanOrEqual(3600);
    setSystemTime();
    await end("k");
    expect(await consume(1, "k", 2, 60)).toMatchObject({ used: 2 });
    expect((await consume(0, "k", 1, 3600)).endsInSeconds).toBeLessThanOrEqual(60);
  });

  test("shared counters: a refund never goes below zero, and does not change a window that has ended or never began", async () => {
    await consume(0, "k", 3);
    expect((await consume(1, "k", -1)).used).toBe(2);
    expect((await consume(0, "k", -5)).used).toBe(0);
    expect((await consume(0, "k", 1)).used).toBe(1);
    await end("k");
    expect(await consume(0, "k", -1)).toEqual({ used: 0, endsInSeconds: 0 });
    expect(await consume(0, "new", -1)).toEqual({ used: 0, endsInSeconds: 0 });
    expect(await consume(1, "new", 1)).toMatchObject({ used: 1 });
  });

  test("shared counters: are deleted only after their windows have ended", async () => {
    await consume(0, "ended", 3);
    await consume(0, "running", 3);
    await end("ended");
    await nodes[1]!.counters!.removeEnded();
    expect(await keys()).toEqual([{ key: "running" }]);
  });
});
