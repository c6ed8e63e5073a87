import { expect, setSystemTime, test } from "bun:test";

import type { ClaimedJob } from "../../src/database/rendition-jobs.ts";
import { keepLease, leaseMs, LeaseLost } from "../../src/rendition-jobs/job-lease.ts";
import type { RenditionServices } from "../../src/rendition-jobs/rendition-services.ts";
import { until } from "../support/until.ts";

/** A lease that is renewed every few milliseconds, by this function. */
function leaseWith(renew: () => Promise<boolean>) {
  const stopping = new AbortController();
  const services = { database: { renditionJobs: { renew } } } as unknown as RenditionServices;
  return { lease: keepLease(services, {} as ClaimedJob, 2, stopping.signal), stopping };
}

test("rendition lease: is renewed until it ends", async () => {
  let renewals = 0;
  const { lease } = leaseWith(async () => (renewals++, true));
  await until(() => renewals >= 3);
  lease.end();
  expect(lease.signal.aborted).toBe(false);
});

test("rendition lease: aborts its job when another attempt has taken it over", async () => {
  const { lease } = leaseWith(async () => false);
  await until(() => lease.signal.aborted);
  expect(lease.signal.reason).toBeInstanceOf(LeaseLost);
  expect(lease.renew()).rejects.toBeInstanceOf(LeaseLost);
  lease.end();
});

test("rendition lease: outlasts failures of the database until its end", async () => {
  let failures = 0;
  const { lease } = leaseWith(() => (failures++, Promise.reject(new Error("gone"))));
  try {
    await until(() => failures >= 3);
    expect(lease.signal.aborted).toBe(false);
    setSystemTime(Date.now() + leaseMs);
    await until(() => lease.signal.aborted);
    expect(lease.signal.reason).toBeInstanceOf(LeaseLost);
  } finally {
    setSystemTime();
    lease.end();
  }
});

test("rendition lease: aborts its job when the process stops", () => {
  const { lease, stopping } = leaseWith(async () => true);
  stopping.abort(new Error("stopping"));
  expect(lease.signal.reason).toEqual(new Error("stopping"));
  lease.end();
});
