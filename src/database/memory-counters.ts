/** Fixed-window counters by key: in memory for a single process, in the database for several nodes. */
export interface Counters {
  /**
   * Adds points to the current window of `key`. A window starts with its first points and lasts `windowSeconds`.
   * Negative points are a refund: they never take a counter below zero or change a window that has ended.
   * @returns the points used in this window, including these, and the seconds until it ends
   */
  consume(
    key: string,
    points: number,
    windowSeconds: number,
  ): Promise<{ used: number; endsInSeconds: number }>;
}

/**
 * Creates counters in the memory of this process.
 * @param capacity keys to keep; beyond it the oldest window is dropped. The default takes about 20 MB, and evicting a
 * counter takes an attacker about as many networks
 * @param now the current time in milliseconds; replaced in tests
 */
export function createMemoryCounters({ capacity = 100_000, now = Date.now } = {}): Counters {
  // In the order in which the windows began: a renewed key is deleted and added again.
  const windows = new Map<string, { used: number; endsAt: number }>();

  /** Removes up to two windows that have ended or exceed the capacity, so that the map shrinks in small steps. */
  function evictOldest(time: number) {
    let evicted = 0;
    for (const [key, { endsAt }] of windows) {
      if (endsAt > time && windows.size < capacity) return;
      windows.delete(key);
      if ((evicted += 1) === 2) return;
    }
  }

  return {
    async consume(key, points, windowSeconds) {
      const time = now();
      let window = windows.get(key);
      if (!window || window.endsAt <= time) {
        windows.delete(key);
        if (points <= 0) return { used: 0, endsInSeconds: 0 };
        evictOldest(time);
        window = { used: 0, endsAt: time + windowSeconds * 1000 };
        windows.set(key, window);
      }
      window.used = Math.max(0, window.used + points);
      // A refunded counter takes no place, so that rejected requests cannot evict other counters.
      if (window.used === 0) windows.delete(key);
      return { used: window.used, endsInSeconds: (window.endsAt - time) / 1000 };
    },
  };
}
