import { step, type Connection } from "./connection.ts";

/** A SELECT that can lock the rows it finds. */
type LockableSelect<Rows> = PromiseLike<Rows> & {
  for(strength: "no key update"): PromiseLike<Rows>;
};

/**
 * One step of a transaction: runs a SELECT, and on PostgreSQL locks its rows against changes until the transaction ends.
 * Inserts of rows that refer to them are not blocked. SQLite has one writer at a time and needs no locks.
 * @returns the rows as they are once they are locked
 */
export function* lockRows<Rows>(
  dialect: Connection["dialect"],
  select: LockableSelect<Rows>,
): Generator<PromiseLike<Rows>, Rows, unknown> {
  return yield* step(dialect === "pg" ? select.for("no key update") : select);
}
