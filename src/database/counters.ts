import { and, eq, lte, sql } from "drizzle-orm";

import type { Counters } from "./memory-counters.ts";
import type { Connection } from "./connection.ts";
import { pg } from "./kit.ts";
import { createSharedTables } from "./schema.ts";

/** Counters that all nodes on a PostgreSQL database share. Windows begin and end by the server's clock. */
export function sharedCounters({ write }: Connection) {
  const { counters } = createSharedTables(pg);
  const now = sql`now()`;
  const ended = sql`${counters.endsAt} <= ${now}`;

  return {
    async consume(key, points, windowSeconds) {
      const endsAt = sql`now() + make_interval(secs => ${windowSeconds})`;
      const secondsLeft = sql`extract(epoch from ${counters.endsAt} - now())`.mapWith(Number);
      const result = { used: counters.used, endsInSeconds: secondsLeft };
      const rows =
        points > 0
          ? await write((query) =>
              query
                .insert(counters)
                .values({ key, used: points, endsAt })
                .onConflictDoUpdate({
                  target: counters.key,
                  set: {
                    used: sql`case when ${ended} then excluded.used else ${counters.used} + excluded.used end`,
                    endsAt: sql`case when ${ended} then excluded.ends_at else ${counters.endsAt} end`,
                  },
                })
                .returning(result),
            )
          : await write((query) =>
              query
                .update(counters)
                .set({ used: sql`greatest(0, ${counters.used} + ${points})` })
                .where(and(eq(counters.key, key), sql`not ${ended}`))
                .returning(result),
            );
      return rows[0] ?? { used: 0, endsInSeconds: 0 };
    },

    /** Deletes windows that have ended. */
    async removeEnded() {
      await write((query) => query.delete(counters).where(lte(counters.endsAt, now)));
    },
  } satisfies Counters & { removeEnded(): Promise<void> };
}
