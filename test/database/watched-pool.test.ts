import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";

import { SQL } from "bun";

import { databaseFailure } from "../../src/database/failures.ts";
import { watchedPool, type Pool } from "../../src/database/watched-pool.ts";
import { type CuttingProxy, startCuttingProxy } from "../support/cutting-proxy.ts";
import { freshDatabase, hasPostgres } from "../support/postgres.ts";

// A server is started first.
setDefaultTimeout(60_000);

describe.skipIf(!hasPostgres)("watched pool: server that stops responding", () => {
  let proxy: CuttingProxy;
  let pool: Pool;
  let opened: number;
  beforeEach(async () => {
    proxy = startCuttingProxy(await freshDatabase());
    opened = 0;
    pool = watchedPool(() => {
      opened += 1;
      return new SQL(proxy.url, { max: 2 });
    }, 0.5);
  }, 30_000);
  afterEach(async () => {
    await pool.close({ timeout: 0 });
    proxy.close();
  });

  const one = () => pool.unsafe("select 1 one", []).values();
  const transaction = () => pool.begin(async (tx) => void (await tx.unsafe("select 2", [])));

  test("watched pool: rejects waiting queries and is replaced", async () => {
    await Promise.all([one(), one(), one()]);
    proxy.silence();
    const lost = await Promise.allSettled([one(), transaction(), one(), one()]);
    for (const { status, ...outcome } of lost) {
      expect(status).toBe("rejected");
      const { reason } = outcome as PromiseRejectedResult;
      expect(databaseFailure(reason)?.code).toBe("UNAVAILABLE");
    }
    expect([...(await one())]).toEqual([[1]]);
    await transaction();
    expect(opened).toBe(2);
  });

  test("watched pool: is kept during a long transaction whose queries the server responds to", async () => {
    await pool.begin(async (tx) => {
      for (const start = performance.now(); performance.now() - start < 1500; await Bun.sleep(20)) {
        await tx.unsafe("select 3", []);
        pool.responded();
      }
    });
    expect(opened).toBe(1);
  });

  test("watched pool: is kept while the server responds to any query, however long another one takes", async () => {
    const slow = pool.unsafe("select pg_sleep(1.5)", []).values();
    let done = false;
    const others = (async () => {
      while (!done) {
        await one();
        await Bun.sleep(100);
      }
    })();
    await slow;
    done = true;
    await others;
    expect(opened).toBe(1);
  });
});
