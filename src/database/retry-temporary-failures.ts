import { causes } from "./connection.ts";
import type { Reserve } from "./reserve.ts";

/**
 * Milliseconds that a query waits for another program to release its lock on a SQLite database. SQLite's own wait would
 * block the event loop.
 */
const lockTimeoutMs = 5000;

/** Milliseconds between two attempts, doubled each time up to a maximum. */
const firstPauseMs = 2;
const maxPauseMs = 100;

/**
 * Retries of a transaction that PostgreSQL has aborted because of a conflict. With a deadlock, each takes a second longer:
 * by default, the server lets a transaction wait that long before it checks for one.
 */
const maxConflicts = 3;

type AsyncFunctions<T> = { readonly [name in keyof T]: (...values: never[]) => Promise<unknown> };

/**
 * Wraps the queries of a database so that temporary failures are retried. On SQLite: with pauses while another program
 * holds a lock, and once, after releasing the reserve, when the disk is full. On PostgreSQL: a bounded number of times
 * after a deadlock or a serialization failure. Retries are safe because each query is one statement or one transaction,
 * which the database has rolled back, or a series of transactions that may be repeated.
 * @param reserve the reserve of a SQLite database; undefined on PostgreSQL
 */
export function retryTemporaryFailures<Queries extends AsyncFunctions<Queries>>(
  queries: Queries,
  reserve: Pick<Reserve, "release"> | undefined,
): Queries {
  const retried = Object.entries<(...values: never[]) => Promise<unknown>>(queries).map(([name, run]) => [
    name,
    (...values: never[]) =>
      run(...values).catch((error: unknown) => retry(() => run(...values), error, reserve)),
  ]);
  return Object.fromEntries(retried) as typeof queries;
}

async function retry(
  run: () => Promise<unknown>,
  failure: unknown,
  reserve: Pick<Reserve, "release"> | undefined,
): Promise<unknown> {
  const until = performance.now() + lockTimeoutMs;
  let pauseMs = firstPauseMs;
  let isReleased = false;
  let conflicts = 0;
  for (let error = failure; ;) {
    if (isFull(error) && reserve && !isReleased) {
      reserve.release();
      isReleased = true;
    } else if (
      (isBusy(error) && performance.now() < until) ||
      (isTransactionConflict(error) && (conflicts += 1) <= maxConflicts)
    ) {
      // With jitter, so that waiting queries do not all retry at the same time.
      await Bun.sleep(pauseMs * (0.5 + Math.random() / 2));
      pauseMs = Math.min(2 * pauseMs, maxPauseMs);
    } else throw error;
    try {
      return await run();
    } catch (next) {
      error = next;
    }
  }
}

/** SQLite's codes for a full disk: for the database, for the index of its log, and beyond a quota. */
const fullCodes = /^SQLITE_(?:FULL|IOERR_SHMSIZE|IOERR_WRITE)$/;

const isFull = (error: unknown) => causes(error).some(({ code }) => fullCodes.test(String(code)));
const isBusy = (error: unknown) => causes(error).some(({ code }) => /^SQLITE_BUSY/.test(String(code)));

/** PostgreSQL's SQLSTATE codes of a serialization failure and a deadlock. It has rolled the transaction back. */
const conflictCodes = /^(?:40001|40P01)$/;

const isTransactionConflict = (error: unknown) =>
  causes(error).some(({ errno }) => conflictCodes.test(String(errno)));
