import { Database } from "bun:sqlite";
import { join } from "node:path";

import { databaseFile } from "../../src/data-dir.ts";
import { writeCursor } from "../../src/posts/feed.ts";
import { against, atLeast, median, measureAlternately, type Bench, type Figure } from "../bench.ts";
import { secret } from "../seed.ts";
import { bearer, wrk } from "../wrk.ts";

/**
 * A feed page of 20, over a thousand and a million posts, against the same by hand and against each other: the first page,
 * which the service remembers until somebody commits, and another page each time.
 */
export async function feed(bench: Bench): Promise<Figure[]> {
  const few = await rivals(bench, 1000);
  const many = await rivals(bench, 1_000_000);
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
      // Of a page that nobody asked for before it is enough not to be far behind.
      ...atLeast(page === "first" ? 1 : 0.85, result.ratio),
    });
    const cost = median(rows.map(([ofFew = 0, , ofMany = 0]) => ofFew / ofMany));
    const costOfBaseline = median(rows.map(([, ofFew = 0, , ofMany = 0]) => ofFew / ofMany));
    figures.push(
      figure("1,000", against(rows.map(([ours = 0, theirs = 0]) => [ours, theirs]))),
      figure("1,000,000", against(rows.map(([, , ours = 0, theirs = 0]) => [ours, theirs]))),
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

/** The service and its baseline on one database: pages a second, after a warm-up. */
async function rivals(bench: Bench, posts: number) {
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

/** A script for wrk: the pages behind five thousand posts, evenly spread and out of order. */
function pagesAnywhere(path: string, posts: number): string {
  const database = new Database(path, { readonly: true });
  const behind = database.query<{ id: string; created_at: number }, [number]>(
    "select id, created_at from posts where rowid = ?",
  );
  const cursors = Array.from({ length: 5000 }, (_, i) => {
    // A prime leads everywhere; the oldest posts have no full page behind them.
    const { id, created_at } = behind.get(22 + ((i * 611_953) % (posts - 21)))!;
    return writeCursor({ id, createdAt: new Date(created_at) });
  });
  database.close();
  return `local cursors = {${cursors.map((cursor) => `"${cursor}"`).join(",")}}
local asked = 0
request = function()
  asked = asked % #cursors + 1
  return wrk.format("GET", "/feed?limit=20&cursor=" .. cursors[asked])
end`;
}
