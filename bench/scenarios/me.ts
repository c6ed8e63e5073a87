import { join } from "node:path";

import { databaseFile } from "../../src/data-dir.ts";
import { atLeast, compareAlternately, type Bench, type Figure } from "../bench.ts";
import { secret } from "../seed.ts";
import { bearer, wrk } from "../wrk.ts";

/** `GET /users/me`: little more than authentication. */
export async function me(bench: Bench): Promise<Figure[]> {
  const { dataDir, token } = await bench.seeded(1000);
  const service = await bench.service(dataDir);
  const baseline = await bench.baseline("baseline-feed.ts", "/", join(dataDir, databaseFile), secret);
  const load = (address: string) =>
    wrk(`${address}/users/me`, { seconds: 1, headers: bearer(token) }).then((l) => l.requestsPerSecond);
  await Promise.all([load(service.address), load(baseline.address)]);
  const result = await compareAlternately(
    8,
    () => load(service.address),
    () => load(baseline.address),
  );
  await Promise.all([service.stop(), baseline.stop()]);
  return [{ what: "/users/me", unit: "requests/s", ...result, ...atLeast(0.8, result.ratio) }];
}
