/**
 * Seconds a store may take for one file: half a minute for its answers, and a second for every megabyte, so that
 * a line of 8 Mbit/s keeps up. 500 MB: 554 s, below the default `SWEEP_GRACE`. `override` (`UPLOAD_DEADLINE`)
 * wins where it is set.
 */
export function deadlineFor(bytes: number, override: number | null): number {
  return override ?? 30 + Math.ceil(bytes / 1e6);
}
