import { causes } from "./connection.ts";
import type { Reserve } from "./reserve.ts";

/**
 * Milliseconds that a query waits for another program to release its lock on a SQLite database. SQLite itself would wait
 * without letting any other request go on.
 */
const lockTimeoutMs = 5000;

/** Milliseconds between two attempts: the first pause, doubled up to the longest. */
const firstPauseMs = 2;
const longestPauseMs = 100;

type AsyncFunctions<T> = { readonly [name in keyof T]: (...values: never[]) => Promise<unknown> };

/**
 * The same queries of a SQLite database; one that fails for a reason that may pass runs again: after a pause while another
 * program holds a lock, and once after the reserve was released when the disk is full. That is safe because each of them is
 * one statement or one transaction, which SQLite has rolled back.
 */
export function repeating<Queries extends AsyncFunctions<Queries>>(
  queries: Queries,
  reserve: Pick<Reserve, "release">,
): Queries {
  const repeated = Object.entries<(...values: never[]) => Promise<unknown>>(queries).map(([name, run]) => [
    name,
    (...values: never[]) =>
      run(...values).catch((error: unknown) => again(() => run(...values), error, reserve)),
  ]);
  return Object.fromEntries(repeated) as typeof queries;
}

async function again(
  run: () => Promise<unknown>,
  failure: unknown,
  reserve: Pick<Reserve, "release">,
): Promise<unknown> {
  const until = performance.now() + lockTimeoutMs;
  let pauseMs = firstPauseMs;
  let isReleased = false;
  for (let error = failure; ;) {
    if (isFull(error) && !isReleased) {
      reserve.release();
      isReleased = true;
    } else if (isBusy(error) && performance.now() < until) {
      // Less up to a half, so that many waiting queries do not come back together.
      await Bun.sleep(pauseMs * (0.5 + Math.random() / 2));
      pauseMs = Math.min(2 * pauseMs, longestPauseMs);
    } else throw error;
    try {
      return await run();
    } catch (next) {
      error = next;
    }
  }
}

/** What SQLite says on a disk without space: for a file, for its index of the log, beyond a quota. */
const fullCodes = /^SQLITE_(?:FULL|IOERR_SHMSIZE|IOERR_WRITE)$/;

const isFull = (error: unknown) => causes(error).some(({ code }) => fullCodes.test(String(code)));
const isBusy = (error: unknown) => causes(error).some(({ code }) => /^SQLITE_BUSY/.test(String(code)));
