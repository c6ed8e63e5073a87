import { join } from "node:path";

import { databaseFile } from "../../src/data-dir.ts";
import { atLeast, compareAlternately, type Bench, type Figure } from "../bench.ts";
import { secret } from "../seed.ts";
import { bearer, wrk } from "../wrk.ts";

/** `GET /users/me`, little more than authentication: by an access token, and by a session. */
export async function me(bench: Bench): Promise<Figure[]> {
  const { dataDir, token, session } = await bench.seeded(1000);
  const service = await bench.service(dataDir);
  const baseline = await bench.baseline("baseline-feed.ts", "/", join(dataDir, databaseFile), secret);
  const load = (address: string, headers = bearer(token)) =>
    wrk(`${address}/users/me`, { seconds: 1, headers }).then((l) => l.requestsPerSecond);
  const figures: Figure[] = [];
  for (const [what, headers] of [
    ["/users/me", bearer(token)],
    ["/users/me by session", bearer(session)],
  ] as const) {
    await Promise.all([load(service.address, headers), load(baseline.address)]);
    const result = await compareAlternately(
      8,
      () => load(service.address, headers),
      () => load(baseline.address),
    );
    figures.push({ what, unit: "requests/s", ...result, ...atLeast(0.8, result.ratio) });
  }
  await Promise.all([service.stop(), baseline.stop()]);
  return figures;
}
