/** Counts by key in windows of time. In memory for one process; several nodes need one that they share. */
export interface Counters {
  /**
   * Adds points to what `key` has used in its present window; a window starts with the first points and lasts
   * `windowSeconds`. Negative points give back, never below zero and never into a window that has ended.
   * @returns the points used, these included, and the seconds until the window ends
   */
  consume(key: string, points: number, windowSeconds: number): Promise<{ used: number; endsIn: number }>;
}

/**
 * Counters of this process. Beyond `capacity` keys the longest known one is forgotten: about 20 MB at most, and to push
 * a counter out takes about that many networks.
 * @param now milliseconds, for tests
 */
export function createMemoryCounters({ capacity = 100_000, now = Date.now } = {}): Counters {
  // A renewed key goes to the end, so that the map is in the order in which windows began.
  const windows = new Map<string, { used: number; ends: number }>();

  function forgetOldest(time: number) {
    let looked = 0;
    for (const [key, { ends }] of windows) {
      if (ends > time && windows.size < capacity) return;
      windows.delete(key);
      if ((looked += 1) === 2) return;
    }
  }

  return {
    async consume(key, points, windowSeconds) {
      const time = now();
      let window = windows.get(key);
      if (!window || window.ends <= time) {
        windows.delete(key);
        if (points <= 0) return { used: 0, endsIn: 0 };
        forgetOldest(time);
        window = { used: 0, ends: time + windowSeconds * 1000 };
        windows.set(key, window);
      }
      window.used = Math.max(0, window.used + points);
      // What was given back leaves nothing behind, so that refused requests cannot push other counters out.
      if (window.used === 0) windows.delete(key);
      return { used: window.used, endsIn: (window.ends - time) / 1000 };
    },
  };
}
