import { against, atLeast, median, takeTurns, type Bench, type Figure } from "../bench.ts";
import { secret } from "../seed.ts";
import { bearer, wrk } from "../wrk.ts";

/** A feed page of 20, over a thousand and a million posts, against the same by hand and against each other. */
export async function feed(bench: Bench): Promise<Figure[]> {
  const few = await rivals(bench, 1000);
  const many = await rivals(bench, 1_000_000);
  const rows = await takeTurns(4, few.service, few.baseline, many.service, many.baseline);
  await Promise.all([few.stop(), many.stop()]);
  const figure = (what: string, result: ReturnType<typeof against>) => ({
    what,
    unit: "requests/s",
    ...result,
    ...atLeast(1, result.ratio),
  });
  const cost = median(rows.map(([ofFew = 0, , ofMany = 0]) => ofFew / ofMany));
  return [
    figure("feed page of 20, 1,000 posts", against(rows.map(([ours = 0, theirs = 0]) => [ours, theirs]))),
    figure(
      "feed page of 20, 1,000,000 posts",
      against(rows.map(([, , ours = 0, theirs = 0]) => [ours, theirs])),
    ),
    {
      what: "feed page: a million posts against a thousand",
      service: cost,
      unit: "× the cost",
      goal: "≤ 1.15",
      reached: cost <= 1.15,
    },
  ];
}

/** The service and its baseline on one database: pages a second, after a warm-up. */
async function rivals(bench: Bench, posts: number) {
  const { dataDir, token } = await bench.seeded(posts);
  const service = await bench.service(dataDir);
  const baseline = await bench.baseline("baseline-feed.ts", "/", `${dataDir}/image-sharing.db`, secret);
  const load = async (address: string) =>
    (await wrk(`${address}/feed?limit=20`, { seconds: 1, headers: bearer(token) })).requestsPerSecond;
  await Promise.all([load(service.address), load(baseline.address)]);
  return {
    service: () => load(service.address),
    baseline: () => load(baseline.address),
    stop: () => Promise.all([service.stop(), baseline.stop()]),
  };
}
