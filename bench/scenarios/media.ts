import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { mediaFolder } from "../../src/data-dir.ts";
import { DiskStore } from "../../src/storage/disk-store.ts";
import { atLeast, compareAlternately, type Bench, type Figure } from "../bench.ts";
import { startNginx } from "../nginx.ts";
import { wrk } from "../wrk.ts";

/** Media delivery, compared with one nginx worker using sendfile. Each case writes a file for the newest post. */
export async function media(bench: Bench): Promise<Figure[]> {
  const { dataDir, newestKey } = await bench.seeded(1000);
  const stored = new DiskStore(join(dataDir, mediaFolder)).resolve(newestKey);
  const files = join(bench.folder, "nginx-files");
  mkdirSync(files, { recursive: true });
  mkdirSync(dirname(stored), { recursive: true });
  const nginx = await startNginx(join(bench.folder, "nginx"), files);
  const figures: Figure[] = [];
  for (const { what, size, headers, conditional, goal } of cases) {
    const bytes = new Uint8Array(size).fill(7);
    writeFileSync(stored, bytes);
    writeFileSync(join(files, newestKey), bytes);
    const service = await bench.service(dataDir);
    const load = async (url: string) => {
      const tag = conditional && (await fetch(url, { method: "HEAD" })).headers.get("etag");
      const requestHeaders = tag ? { "if-none-match": tag } : headers;
      return (await wrk(url, { seconds: 1, headers: requestHeaders })).requestsPerSecond;
    };
    const fromService = () => load(`${service.address}/media/${newestKey}`);
    const fromNginx = () => load(`${nginx.address}/${newestKey}`);
    await Promise.all([fromService(), fromNginx()]);
    const result = await compareAlternately(3, fromService, fromNginx);
    figures.push({ what: `media, ${what}`, unit: "requests/s", ...result, ...atLeast(goal, result.ratio) });
    await service.stop();
  }
  await nginx.stop();
  return figures;
}

const cases: {
  what: string;
  size: number;
  headers: Record<string, string>;
  conditional?: true;
  goal: number;
}[] = [
  { what: "5 MB", size: 5 * 1024 ** 2, headers: {}, goal: 1 },
  { what: "20 kB", size: 20 * 1024, headers: {}, goal: 0.5 },
  { what: "64 kB of 5 MB", size: 5 * 1024 ** 2, headers: { range: "bytes=1000000-1065535" }, goal: 0.5 },
  { what: "304", size: 20 * 1024, headers: {}, conditional: true, goal: 0.5 },
];
