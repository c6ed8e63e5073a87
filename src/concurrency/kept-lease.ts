/** Milliseconds between a claim, or the last renewal of its lease, and the end of the lease. */
export const leaseMs = 60_000;

/** Milliseconds between two renewals of a lease. */
export const renewalMs = 20_000;

/** The error of work whose lease something else has now, or whose post is being deleted. */
export class LeaseLost extends Error {
  override readonly name = "LeaseLost";
}

/** The lease of running work, which is renewed until {@link KeptLease.end}. */
export interface KeptLease {
  /** Aborts with {@link LeaseLost} when the lease was lost, and when the process stops. */
  readonly signal: AbortSignal;
  /**
   * Renews the lease now.
   * @throws the signal's reason
   */
  renew(): Promise<void>;
  /** Stops renewing it. */
  end(): void;
}

/**
 * Keeps a lease that was just claimed. Where the database cannot be reached, the lease counts as lost at its end.
 * @param renewUntil extends the lease in the database; returns false when it was lost
 * @param intervalMs between two renewals
 */
export function keepLease(
  renewUntil: (end: Date) => Promise<boolean>,
  intervalMs: number,
  stopping: AbortSignal,
): KeptLease {
  const lost = new AbortController();
  const signal = AbortSignal.any([stopping, lost.signal]);
  let end = Date.now() + leaseMs;
  async function renew(): Promise<void> {
    const newEnd = Date.now() + leaseMs;
    try {
      if (await renewUntil(new Date(newEnd))) end = newEnd;
      else lost.abort(new LeaseLost());
    } catch {
      if (Date.now() >= end) lost.abort(new LeaseLost());
    }
  }
  const timer = setInterval(() => void renew(), intervalMs);
  return {
    signal,
    async renew() {
      await renew();
      signal.throwIfAborted();
    },
    end: () => clearInterval(timer),
  };
}
