import { atLeast, inTurns, type Bench, type Figure } from "../bench.ts";
import { secret } from "../seed.ts";
import { bearer, wrk } from "../wrk.ts";

/** A feed page of 20, over a thousand and a million posts, against the same by hand. */
export async function feed(bench: Bench): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const posts of [1000, 1_000_000]) {
    const { dataDir, token } = await bench.seeded(posts);
    const service = await bench.service(dataDir);
    const baseline = await bench.baseline("baseline-feed.ts", "/", `${dataDir}/image-sharing.db`, secret);
    const load = (address: string, seconds: number) =>
      wrk(`${address}/feed?limit=20`, { seconds, headers: bearer(token) }).then((l) => l.requestsPerSecond);
    await Promise.all([load(service.address, 1), load(baseline.address, 1)]);
    const result = await inTurns(
      4,
      () => load(service.address, 1),
      () => load(baseline.address, 1),
    );
    figures.push({
      what: `feed page of 20, ${posts.toLocaleString("en")} posts`,
      unit: "requests/s",
      ...result,
      ...atLeast(1, result.ratio),
    });
    await Promise.all([service.stop(), baseline.stop()]);
  }
  const [few, many] = figures;
  const cost = few!.service / many!.service;
  return [
    ...figures,
    {
      what: "feed page: a million posts against a thousand",
      service: cost,
      unit: "× the cost",
      goal: "≤ 1.15",
      reached: cost <= 1.15,
    },
  ];
}
