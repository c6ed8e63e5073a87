import type { SQL } from "bun";

/** The part of Bun's connection pool that the query builder uses. */
export interface Pool extends Pick<SQL, "begin" | "close"> {
  unsafe(text: string, values?: unknown[]): PromiseLike<unknown> & { values(): PromiseLike<unknown[][]> };
  /** Reports a response inside a transaction, of which the pool itself sees only the end. */
  responded(): void;
}

/** Checks without a response after which the pool is replaced. */
const maxSilentChecks = 5;

/**
 * A connection pool that is replaced when queries wait and the server has not responded to any for a while. A server
 * that disappears (its machine fails, or another one takes over its name) does not close its connections, and TCP would
 * wait for it for about 15 minutes. Waiting queries are rejected, as on any lost connection.
 * @param connect opens a pool; called again for each replacement
 * @param timeoutSeconds must exceed the server's statement timeout
 */
export function watchedPool(connect: () => SQL, timeoutSeconds: number): Pool {
  let pool = connect();
  let waiting = 0;
  // Counted in checks rather than seconds: after a pause of this process, responses have arrived but are not read yet.
  let silentChecks = 0;
  const timer = setInterval(
    () => {
      silentChecks = waiting > 0 ? silentChecks + 1 : 0;
      if (silentChecks < maxSilentChecks) return;
      silentChecks = 0;
      const lost = pool;
      pool = connect();
      void lost.close({ timeout: 0 });
    },
    (timeoutSeconds * 1000) / maxSilentChecks,
  );
  timer.unref();

  async function watched<Result>(result: PromiseLike<Result>): Promise<Result> {
    waiting += 1;
    try {
      return await result;
    } finally {
      waiting -= 1;
      silentChecks = 0;
    }
  }

  return {
    unsafe(text, values) {
      const query = pool.unsafe(text, values);
      return {
        // Bun runs a query when it is awaited.
        then: (done, failed) => watched(query).then(done, failed),
        values: () => watched(query.values()),
      };
    },
    begin: ((work: Parameters<SQL["begin"]>[1]) => watched(pool.begin(work as never))) as SQL["begin"],
    responded() {
      silentChecks = 0;
    },
    close(options) {
      clearInterval(timer);
      return pool.close(options);
    },
  };
}
