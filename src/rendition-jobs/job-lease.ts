import type { ClaimedJob } from "../database/rendition-jobs.ts";
import type { RenditionServices } from "./rendition-services.ts";

/** Milliseconds between a job's claim, or the last renewal of its lease, and the end of the lease. */
export const leaseMs = 60_000;

/** The error of an attempt whose job another one has now, or whose post is being deleted. */
export class LeaseLost extends Error {
  override readonly name = "LeaseLost";
}

/** The lease of a running job, which is renewed until {@link JobLease.end}. */
export interface JobLease {
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
 * Keeps the lease of a job. Where the database cannot be reached, the lease counts as lost at its end.
 * @param renewalMs between two renewals
 */
export function keepLease(
  { database }: Pick<RenditionServices, "database">,
  job: ClaimedJob,
  renewalMs: number,
  stopping: AbortSignal,
): JobLease {
  const lost = new AbortController();
  const signal = AbortSignal.any([stopping, lost.signal]);
  let end = Date.now() + leaseMs;
  async function renew(): Promise<void> {
    const newEnd = Date.now() + leaseMs;
    try {
      if (await database.renditionJobs.renew(job, new Date(newEnd))) end = newEnd;
      else lost.abort(new LeaseLost());
    } catch {
      if (Date.now() >= end) lost.abort(new LeaseLost());
    }
  }
  const timer = setInterval(() => void renew(), renewalMs);
  return {
    signal,
    async renew() {
      await renew();
      signal.throwIfAborted();
    },
    end: () => clearInterval(timer),
  };
}
