import { expect, setSystemTime, test } from "bun:test";

import { closeSync, openSync } from "node:fs";

import { createMetrics } from "../../src/observability/metrics.ts";

const quiet = {
  version: "1.2.3",
  hashesPending: () => 0,
  uploadsRunning: () => 0,
  mediaJobsPending: () => 0,
  renditionJobs: async () => [],
  unfinishedUploads: async () => 7,
  diskUsage: async () => ({ free: 5, size: 9, minFree: 2 }),
};

test("metrics: count published posts at most every ten minutes, and unfinished ones for each scrape", async () => {
  let published = 0;
  let pending = 0;
  const metrics = createMetrics({
    ...quiet,
    unfinishedPosts: async () => ({ pending: ++pending, deleting: 0 }),
    publishedPosts: async () => ++published,
  });
  const told = async () =>
    [...(await metrics.text()).matchAll(/^image_sharing_posts\{state="(\w+)"\} (\d+)$/gm)]
      .map(([, state, posts]) => `${state} ${posts}`)
      .sort();
  try {
    expect(await told()).toEqual(["deleting 0", "pending 1", "published 1"]);
    setSystemTime(Date.now() + 9 * 60_000);
    expect(await told()).toEqual(["deleting 0", "pending 2", "published 1"]);
    setSystemTime(Date.now() + 2 * 60_000);
    expect(await told()).toEqual(["deleting 0", "pending 3", "published 2"]);
  } finally {
    setSystemTime();
  }
});

test("metrics: contain the CPU time and open files of the process, and dropped log lines", async () => {
  const none = async () => 0;
  const metrics = createMetrics({
    ...quiet,
    unfinishedPosts: async () => ({ pending: 0, deleting: 0 }),
    publishedPosts: none,
  });
  const read = async (name: string) => {
    const [, value] = new RegExp(`^${name} (\\S+)$`, "m").exec(await metrics.text()) ?? [];
    return Number(value);
  };
  const before = await read("process_cpu_seconds_total");
  const start = process.cpuUsage();
  while (process.cpuUsage(start).user < 50_000);
  expect((await read("process_cpu_seconds_total")) - before).toBeWithin(0.05, 5);
  if (process.platform === "linux") {
    const open = await read("process_open_fds");
    const files = Array.from({ length: 100 }, () => openSync(import.meta.path, "r"));
    // Sockets of other tests may close during this test.
    expect((await read("process_open_fds")) - open).toBeWithin(80, 121);
    files.forEach((file) => closeSync(file));
    expect(await read("process_max_fds")).toBeGreaterThan(open);
  }
  let dropped = 3;
  metrics.watchLog(() => dropped);
  expect(await read("image_sharing_log_dropped_lines_total")).toBe(3);
  dropped = 5;
  expect(await read("image_sharing_log_dropped_lines_total")).toBe(5);
  expect(await metrics.text()).toContain("# TYPE process_cpu_seconds_total counter");
});

test("metrics: contain everything else while the database is down", async () => {
  const gone = () => Promise.reject(new Error("gone"));
  const metrics = createMetrics({
    ...quiet,
    unfinishedPosts: gone,
    publishedPosts: gone,
    renditionJobs: gone,
    unfinishedUploads: gone,
  });
  metrics.request("GET", "/feed", 503, 0.1);
  const text = await metrics.text();
  expect(text).toContain('image_sharing_http_requests_total{method="GET",route="/feed",status="503"} 1');
  expect(text).toContain('image_sharing_build_info{version="1.2.3"} 1');
  expect(text).not.toContain("image_sharing_posts{");
  expect(text).not.toContain("\nimage_sharing_unfinished_uploads ");
  for (const [name, bytes] of Object.entries({ free: 5, size: 9, min_free: 2 }))
    expect(text).toContain(`\nimage_sharing_disk_${name}_bytes ${bytes}\n`);
});

test("metrics: count requests by method, route and status, and their durations by route", async () => {
  const none = async () => 0;
  const metrics = createMetrics({
    ...quiet,
    unfinishedPosts: async () => ({ pending: 0, deleting: 0 }),
    publishedPosts: none,
  });
  for (const seconds of [0.0005, 0.001, 0.02]) metrics.request("GET", "/feed", 200, seconds);
  metrics.request("GET", "/feed", 401, 200);
  metrics.request("POST", "none", 404, 0.5);
  const lines = (await metrics.text()).split("\n");
  expect(lines).toContain("image_sharing_unfinished_uploads 7");
  const requests = "image_sharing_http_requests_total";
  expect(lines.filter((line) => line.startsWith(requests))).toEqual([
    `${requests}{method="GET",route="/feed",status="200"} 3`,
    `${requests}{method="GET",route="/feed",status="401"} 1`,
    `${requests}{method="POST",route="none",status="404"} 1`,
  ]);
  const duration = "image_sharing_http_request_duration_seconds";
  const ofFeed = lines.filter((line) => line.startsWith(duration) && line.includes('route="/feed"'));
  expect(ofFeed.map((line) => line.slice(duration.length).replace('route="/feed"', ""))).toEqual([
    '_bucket{le="0.001",} 2',
    '_bucket{le="0.005",} 2',
    '_bucket{le="0.025",} 3',
    '_bucket{le="0.1",} 3',
    '_bucket{le="0.25",} 3',
    '_bucket{le="1",} 3',
    '_bucket{le="5",} 3',
    '_bucket{le="30",} 3',
    '_bucket{le="120",} 3',
    '_bucket{le="+Inf",} 4',
    "_sum{} 200.0215",
    "_count{} 4",
  ]);
  for (const line of [`# TYPE ${requests} counter`, `# TYPE ${duration} histogram`])
    expect(lines).toContain(line);
});
