import { expect, setSystemTime, test } from "bun:test";

import { keepLease, leaseMs, LeaseLost } from "../../src/concurrency/kept-lease.ts";
import { until } from "../support/until.ts";

/** A lease that is renewed every few milliseconds, by this function. */
function leaseWith(renew: () => Promise<boolean>) {
  const stopping = new AbortController();
  return { lease: keepLease(renew, 2, stopping.signal), stopping };
}

test("lease: is renewed until it ends", async () => {
  let renewals = 0;
  const { lease } = leaseWith(async () => (renewals++, true));
  await until(() => renewals >= 3);
  lease.end();
  expect(lease.signal.aborted).toBe(false);
});

test("lease: aborts its work when something else has taken it over", async () => {
  const { lease } = leaseWith(async () => false);
  await until(() => lease.signal.aborted);
  expect(lease.signal.reason).toBeInstanceOf(LeaseLost);
  expect(lease.renew()).rejects.toBeInstanceOf(LeaseLost);
  lease.end();
});

test("lease: outlasts failures of the database until its end", async () => {
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

test("lease: aborts its work when the process stops", () => {
  const { lease, stopping } = leaseWith(async () => true);
  stopping.abort(new Error("stopping"));
  expect(lease.signal.reason).toEqual(new Error("stopping"));
  lease.end();
});
