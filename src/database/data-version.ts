/** Milliseconds between reads of the pragma; a write of another process may stay unnoticed for that long. */
const pollIntervalMs = 100;

/**
 * A version number of a SQLite database: while it stays the same, every query returns the same result.
 *
 * Writes of this process increment it as they commit. Writes of other processes (`image-sharing superuser`, an
 * operator's `sqlite3`) are detected with `PRAGMA data_version`, which changes with the commits of every connection
 * except the one that reads it (https://www.sqlite.org/pragma.html#pragma_data_version). Reading it takes as long as a
 * small query, hence the interval.
 * @param readPragma reads the pragma on the connection that makes this process's writes
 * @param nowMs a monotonic clock
 */
export function createDataVersion(readPragma: () => number, nowMs = () => performance.now()) {
  let version = 0;
  let pragma: number | undefined;
  let readAtMs = -Infinity;
  return {
    current(): number {
      const now = nowMs();
      if (now - readAtMs >= pollIntervalMs) {
        const found = readPragma();
        if (found !== pragma) version += 1;
        pragma = found;
        readAtMs = now;
      }
      return version;
    },

    /** Must be called after every commit of this process, before anything else can run. */
    increment(): void {
      version += 1;
    },
  };
}
