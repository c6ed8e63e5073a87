/**
 * Returns how many seconds a store may take for one file: half a minute for its responses and a second per megabyte, which
 * a line of 8 Mbit/s can keep up with. 500 MB get 554 s, less than the default `SWEEP_GRACE`.
 * @param override `UPLOAD_DEADLINE` in seconds, which takes precedence when set
 */
export function deadlineFor(bytes: number, override: number | null): number {
  return override ?? 30 + Math.ceil(bytes / 1e6);
}
