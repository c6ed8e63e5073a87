import type { SQL } from "bun";

/** What the query builder needs of a pool. */
export interface Pool extends Pick<SQL, "begin" | "close"> {
  unsafe(text: string, values?: unknown[]): PromiseLike<unknown> & { values(): PromiseLike<unknown[][]> };
}

/** How often is looked at what waits, until it has waited long enough. */
const looks = 5;

/**
 * A pool that is given up and made anew when something waits and nothing at all was answered for a while. A server
 * that vanished without a word (its machine died, or another one took over its name) closes no connection, and the
 * system would wait for it for a quarter of an hour. What waited is rejected, as with any connection that is lost.
 * @param connect opens a pool; again when the last one is given up
 * @param patience seconds; more than a statement may take on the server
 */
export function watchedPool(connect: () => SQL, patience: number): Pool {
  let pool = connect();
  let waiting = 0;
  // Looks, not seconds: after a pause of this process itself the answers are there, but were not read yet.
  let silentLooks = 0;
  const timer = setInterval(
    () => {
      silentLooks = waiting > 0 ? silentLooks + 1 : 0;
      if (silentLooks < looks) return;
      silentLooks = 0;
      const lost = pool;
      pool = connect();
      void lost.close({ timeout: 0 });
    },
    (patience * 1000) / looks,
  );
  timer.unref();

  async function watched<Result>(answer: PromiseLike<Result>): Promise<Result> {
    waiting += 1;
    try {
      return await answer;
    } finally {
      waiting -= 1;
      silentLooks = 0;
    }
  }

  return {
    unsafe(text, values) {
      const query = pool.unsafe(text, values);
      return {
        // A query runs when it is awaited.
        then: (done, failed) => watched(query).then(done, failed),
        values: () => watched(query.values()),
      };
    },
    begin: ((work: Parameters<SQL["begin"]>[1]) => watched(pool.begin(work as never))) as SQL["begin"],
    close(options) {
      clearInterval(timer);
      return pool.close(options);
    },
  };
}
