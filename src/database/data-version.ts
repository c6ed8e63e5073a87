/** Milliseconds for which a write of another process may go unnoticed. */
const pollIntervalMs = 100;

/**
 * Numbers the states of a SQLite database: as long as the number stays the same, so does the result of every query.
 *
 * Writes of this process are counted as they commit. For the others (`image-sharing superuser`, an operator's `sqlite3`)
 * SQLite has `PRAGMA data_version`, which changes for the commits of every connection except the one that asks
 * (https://www.sqlite.org/pragma.html#pragma_data_version). Asking takes as long as a small query, hence the interval.
 * @param readPragma asks for the pragma on the connection that makes this process's writes
 * @param nowMs a clock that never goes back
 */
export function createDataVersion(readPragma: () => number, nowMs = () => performance.now()) {
  let version = 0;
  let pragma: number | undefined;
  let askedAtMs = -Infinity;
  return {
    current(): number {
      const now = nowMs();
      if (now - askedAtMs >= pollIntervalMs) {
        const found = readPragma();
        if (found !== pragma) version += 1;
        pragma = found;
        askedAtMs = now;
      }
      return version;
    },

    /** Must be called after every commit of this process, before anything else can run. */
    increment(): void {
      version += 1;
    },
  };
}
