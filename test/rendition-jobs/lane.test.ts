import { expect, test } from "bun:test";

import type { ClaimedJob } from "../../src/database/rendition-jobs.ts";
import type { RenditionKind } from "../../src/database/schema.ts";
import { startLane } from "../../src/rendition-jobs/lane.ts";
import type { RenditionServices } from "../../src/rendition-jobs/rendition-services.ts";
import { until } from "../support/until.ts";

/** A lane on a queue in memory, which says what it ran. */
function laneOn(jobs: { kind: RenditionKind; userId: string }[], uploads = () => 0) {
  const stopping = new AbortController();
  const ran: string[] = [];
  const claims: string[] = [];
  const claim = async (kind: RenditionKind, lastUserId: string) => {
    claims.push(kind);
    const found = jobs.findIndex((job) => job.kind === kind && job.userId > lastUserId);
    const [job] = jobs.splice(found === -1 ? jobs.findIndex((job) => job.kind === kind) >>> 0 : found, 1);
    return job as ClaimedJob | undefined;
  };
  const services = {
    database: { renditionJobs: { claim } },
    log: { warn: (event: string) => ran.push(event) },
    mediaWorkers: { preparing: uploads },
  } as unknown as RenditionServices;
  const run = async ({ kind, userId }: ClaimedJob) => void ran.push(`${kind} of ${userId}`);
  const lane = startLane(services, ["picture", "poster"], 5, run, stopping.signal);
  const stop = () => (stopping.abort(), lane.ended);
  return { ran, claims, stop };
}

test("rendition lane: kinds alternate, and within a kind the accounts", async () => {
  const jobs = (["picture", "picture", "picture", "poster", "poster"] as const).map((kind, i) => ({
    kind,
    userId: ["ada", "ada", "bob", "ada", "bob"][i]!,
  }));
  const { ran, stop } = laneOn(jobs);
  await until(() => ran.length === 5);
  await stop();
  expect(ran).toEqual([
    "picture of ada",
    "poster of ada",
    "picture of bob",
    "poster of bob",
    "picture of ada",
  ]);
});

test("rendition lane: uploads that are being prepared take precedence", async () => {
  let uploads = 1;
  let looks = 0;
  const { ran, claims, stop } = laneOn([{ kind: "picture", userId: "ada" }], () => (looks++, uploads));
  await until(() => looks > 2);
  expect(claims).toEqual([]);
  uploads = 0;
  await until(() => ran.length === 1);
  await stop();
});
