import { Database } from "bun:sqlite";
import { join } from "node:path";

import { databaseFile } from "../../src/data-dir.ts";
import { writeCursor } from "../../src/http/page-request.ts";
import { against, atLeast, median, measureAlternately, type Bench, type Figure } from "../bench.ts";
import { secret } from "../seed.ts";
import { bearer, wrk } from "../wrk.ts";

/**
 * A feed page of 20 over a thousand and a million posts, compared with the baseline and with each other: the first page,
 * which the service caches until the next commit, and a different page for each request.
 */
export async function feed(bench: Bench): Promise<Figure[]> {
  const few = await startPair(bench, 1000);
  const many = await startPair(bench, 1_000_000);
  const figures: Figure[] = [];
  for (const { what, page } of [
    { what: "first feed page of 20", page: "first" },
    { what: "feed page of 20 anywhere", page: "anywhere" },
  ] as const) {
    const rows = await measureAlternately(
      3,
      few.service[page],
      few.baseline[page],
      many.service[page],
      many.baseline[page],
    );
    const figure = (posts: string, result: ReturnType<typeof against>) => ({
      what: `${what}, ${posts} posts`,
      unit: "requests/s",
      ...result,
      // The goal for uncached pages is lower.
      ...atLeast(page === "first" ? 1 : 0.85, result.ratio),
    });
    const cost = median(rows.map(([few = 0, , many = 0]) => few / many));
    const costOfBaseline = median(rows.map(([, few = 0, , many = 0]) => few / many));
    figures.push(
      figure("1,000", against(rows.map(([service = 0, baseline = 0]) => [service, baseline]))),
      figure("1,000,000", against(rows.map(([, , service = 0, baseline = 0]) => [service, baseline]))),
      {
        what: "… a million posts against a thousand",
        service: cost,
        baseline: costOfBaseline,
        unit: "× the cost",
        ...(page === "first" && { goal: "≤ 1.15", reached: cost <= 1.15 }),
      },
    );
  }
  await Promise.all([few.stop(), many.stop()]);
  return figures;
}

/** Starts the service and its baseline on the same data and warms them up. Loads are in pages per second. */
async function startPair(bench: Bench, posts: number) {
  const { dataDir, token } = await bench.seeded(posts);
  const database = join(dataDir, databaseFile);
  const script = `${bench.folder}/pages-of-${posts}.lua`;
  await Bun.write(script, pagesAnywhere(database, posts));
  const service = await bench.service(dataDir);
  const baseline = await bench.baseline("baseline-feed.ts", "/", database, secret);
  const loads = ({ address }: { address: string }) => {
    const load = async (path: string, script?: string) =>
      (await wrk(address + path, { seconds: 1, headers: bearer(token), script })).requestsPerSecond;
    return { first: () => load("/feed?limit=20"), anywhere: () => load("", script) };
  };
  const sides = { service: loads(service), baseline: loads(baseline) };
  for (const { first, anywhere } of Object.values(sides)) await Promise.all([first(), anywhere()]);
  return { ...sides, stop: () => Promise.all([service.stop(), baseline.stop()]) };
}

/** Returns a script for wrk that requests the pages after five thousand posts, evenly spread and out of order. */
function pagesAnywhere(path: string, posts: number): string {
  const database = new Database(path, { readonly: true });
  const postAt = database.query<{ id: string; created_at: number }, [number]>(
    "select id, created_at from posts where rowid = ?",
  );
  const cursors = Array.from({ length: 5000 }, (_, i) => {
    // A prime step visits posts everywhere; the oldest posts have no full page after them.
    const { id, created_at } = postAt.get(22 + ((i * 611_953) % (posts - 21)))!;
    return writeCursor({ id, createdAt: new Date(created_at) });
  });
  database.close();
  return `local cursors = {${cursors.map((cursor) => `"${cursor}"`).join(",")}}
local count = 0
request = function()
  count = count % #cursors + 1
  return wrk.format("GET", "/feed?limit=20&cursor=" .. cursors[count])
end`;
}
