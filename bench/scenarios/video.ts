import { join } from "node:path";

import { atLeast, atMost, compareAlternately, megabytes, type Bench, type Figure } from "../bench.ts";
import { curl, uploadForm } from "../curl.ts";
import { writeVideo } from "../media-files.ts";
import { bearer } from "../wrk.ts";

const gigabyte = 1024 ** 3;

/** Uploads a video of 1 GB, compared with writing the raw body to a file, which the baseline does not flush. */
export async function video(bench: Bench): Promise<Figure[]> {
  const { dataDir, token } = await bench.seeded(1000);
  const file = join(bench.folder, "video.mp4");
  writeVideo(file, gigabyte);
  const service = await bench.service(dataDir);
  const baseline = await bench.baseline("baseline-upload.ts", "/", join(bench.folder, "bare"));
  const speed = (seconds: number) => megabytes(gigabyte) / seconds;
  const peaks: number[] = [];
  const result = await compareAlternately(
    4,
    async () => {
      service.forgetPeak();
      const { seconds, answer } = await curl(`${service.address}/upload`, bearer(token), uploadForm(file));
      peaks.push(megabytes(service.peak()));
      const { id } = JSON.parse(answer) as { id: string };
      await fetch(`${service.address}/posts/${id}`, { method: "DELETE", headers: bearer(token) });
      return speed(seconds);
    },
    async () => speed((await curl(baseline.address, {}, ["-T", file, "-X", "POST"])).seconds),
  );
  await Promise.all([service.stop(), baseline.stop()]);
  const peak = Math.max(...peaks);
  return [
    { what: "1 GB video upload", unit: "MB/s", ...result, ...atLeast(0.85, result.ratio) },
    { what: "1 GB video upload, peak memory", unit: "MB", service: peak, ...atMost(110, peak, "MB") },
  ];
}
