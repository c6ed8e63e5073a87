import { join } from "node:path";

import { atMost, compareAlternately, megabytes, type Bench, type Figure } from "../bench.ts";
import { curl, uploadForm } from "../curl.ts";
import { writePhoto } from "../media-files.ts";
import { bearer, wrk } from "../wrk.ts";

/** Photos of 3 MB: eight at once, compared with minimal uploads; then fifty at once while other clients read the feed. */
export async function photos(bench: Bench): Promise<Figure[]> {
  const { dataDir, token } = await bench.seeded(1000);
  const file = join(bench.folder, "photo.jpg");
  await writePhoto(file);
  const service = await bench.service(dataDir);
  const baseline = await bench.baseline("baseline-upload.ts", "/", join(bench.folder, "bare"));
  const upload = () => curl(`${service.address}/upload`, bearer(token), uploadForm(file));
  const bare = () => curl(`${baseline.address}/?thumbnail`, {}, ["-T", file, "-X", "POST"]);
  await Promise.all([upload(), bare()]);
  const eight = await compareAlternately(
    3,
    () => uploadsPerSecond(8, upload),
    () => uploadsPerSecond(8, bare),
  );

  service.forgetPeak();
  const storm = uploadsPerSecond(50, upload);
  await Bun.sleep(100);
  const feed = await wrk(`${service.address}/feed?limit=20`, { connections: 8, headers: bearer(token) });
  const fifty = await storm;
  const peak = megabytes(service.peak());
  await Promise.all([service.stop(), baseline.stop()]);
  return [
    { what: "photos of 3 MB, 8 at once", unit: "uploads/s", ...eight },
    { what: "photos of 3 MB, 50 at once, beside the feed", unit: "uploads/s", service: fifty },
    { what: "… feed p99 meanwhile", unit: "ms", service: feed.p99, ...atMost(100, feed.p99, "ms") },
    { what: "… peak memory", unit: "MB", service: peak, ...atMost(350, peak, "MB") },
  ];
}

/** Sends this many uploads at once and waits for all of them. */
async function uploadsPerSecond(count: number, upload: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await Promise.all(Array.from({ length: count }, upload));
  return (count * 1000) / (performance.now() - start);
}
