import { freshDatabase, forgetDatabases, hasPostgres } from "../../test/support/postgres.ts";
import { atLeast, atMost, compareAlternately, type Bench, type Figure } from "../bench.ts";
import { seedPostgres } from "../seed-postgres.ts";
import { secret } from "../seed.ts";
import { bearer, wrk } from "../wrk.ts";

const turns = 6;

/** A feed page of 20 on PostgreSQL over a thousand and a million posts, compared with the baseline. */
export async function postgres(bench: Bench): Promise<Figure[]> {
  if (!hasPostgres)
    throw new Error("PostgreSQL is missing. Install its server, or set TEST_DATABASE_URL to one.");
  try {
    const [few, many] = [await loadsOver(bench, 1000), await loadsOver(bench, 1_000_000)];
    const figures: Figure[] = [];
    for (const { posts, service, baseline } of [few, many]) {
      const result = await compareAlternately(turns, service, baseline);
      figures.push({
        what: `feed page of 20 on PostgreSQL, ${posts.toLocaleString("en")} posts`,
        unit: "requests/s",
        ...result,
        ...atLeast(0.8, result.ratio),
      });
    }
    const { ratio } = await compareAlternately(turns, few.service, many.service);
    const what = "feed page on PostgreSQL: a million posts against a thousand";
    return [...figures, { what, service: ratio, unit: "× the cost", ...atMost(1.15, ratio, "×") }];
  } finally {
    await forgetDatabases();
  }
}

/** Starts the service and its baseline over this many posts and warms them up. Loads are in pages per second. */
async function loadsOver(bench: Bench, posts: number) {
  const url = await freshDatabase();
  const token = await seedPostgres(url, posts);
  const load = async (address: string) =>
    (await wrk(`${address}/feed?limit=20`, { seconds: 1, headers: bearer(token) })).requestsPerSecond;
  const service = await bench.service(`${bench.folder}/postgres-${posts}`, {
    DATABASE_URL: url,
    MAX_VIDEO_SIZE: "500mb",
  });
  const baseline = await bench.baseline("baseline-feed.ts", "/", url, secret);
  await Promise.all([load(service.address), load(baseline.address)]);
  return { posts, service: () => load(service.address), baseline: () => load(baseline.address) };
}
