import { addEventLoopDelay } from "./event-loop-delay.ts";
import { MetricRegistry } from "./metric-registry.ts";
import { addProcessMetrics } from "./process-metrics.ts";

/** Upper bounds of the buckets for the duration of requests, in seconds. */
const durationBounds = [0.001, 0.005, 0.025, 0.1, 0.25, 1, 5, 30, 120];

/** Metrics of the service, for Prometheus. */
export interface Metrics {
  /** @param route a pattern, never a path: clients may request any number of paths */
  request(method: string, route: string, status: number, seconds: number): void;
  /** `result`: `published`, or the API's error code. */
  upload(result: string, bytes: number): void;
  /** `result`: `ok`, or the API's error code. */
  storeCall(store: string, operation: "put" | "find" | "read" | "delete", result: string): void;
  /** Counts ended attempts at making renditions; `retried` ones are followed by another. */
  rendition(kind: string, outcome: "made" | "retried" | "failed"): void;
  /** Counts posts that a sweep abandoned, or whose bytes it deleted or failed to delete. */
  swept(outcome: "abandoned" | "deleted" | "failed", posts: number): void;
  /** Starts measuring the delay of the event loop. Call it only once. */
  watchEventLoop(): void;
  /** Adds the number of dropped log lines. Call it only once. */
  watchLog(dropped: () => number): void;
  /** All metrics in Prometheus' text format. */
  text(): Promise<string>;
}

/** Values that are read for each scrape. */
export interface Observed {
  readonly version: string;
  hashesPending(): number;
  uploadsRunning(): number;
  mediaJobsPending(): number;
  unfinishedPosts(): Promise<{ pending: number; deleting: number }>;
  publishedPosts(): Promise<number>;
  /** Rendition jobs by kind and state. */
  renditionJobs(): Promise<{ kind: string; state: string; jobs: number }[]>;
  /** Resumable uploads that are not published yet. */
  unfinishedUploads(): Promise<number>;
  /** Usage of the file system with the least space left; undefined if the system does not report it. */
  diskUsage(): Promise<{ free: number; size: number; minFree: number } | undefined>;
}

/** Creates the metrics of one service in a new registry. */
export function createMetrics(observed: Observed): Metrics {
  const registry = new MetricRegistry();
  const counter = (name: string, help: string, ...labelNames: string[]) =>
    registry.counter(`image_sharing_${name}`, help, ...labelNames);
  const gauge = (name: string, help: string, read: () => number | Promise<number>) =>
    registry.addValue("gauge", `image_sharing_${name}`, help, read);

  const requests = counter(
    "http_requests_total",
    "Requests, by method, route and status.",
    "method",
    "route",
    "status",
  );
  const durations = registry.histogram(
    "image_sharing_http_request_duration_seconds",
    "Time from the headers of a request to those of its response.",
    durationBounds,
    "route",
  );
  const uploads = counter("uploads_total", "Finished uploads, by result.", "result");
  const uploadBytes = counter("upload_bytes_total", "Bytes of published uploads.");
  const storeCalls = counter(
    "store_calls_total",
    "Calls to media stores, by store, operation and result.",
    "store",
    "operation",
    "result",
  );
  const swept = counter("swept_posts_total", "Posts that sweeps processed, by outcome.", "outcome");
  const renditions = counter(
    "renditions_total",
    "Attempts at making renditions, by outcome.",
    "kind",
    "outcome",
  );
  gauge("password_hashes_pending", "Password hashes running or queued.", observed.hashesPending);
  gauge(
    "uploads_running",
    "Uploads between the reservation of their row and the response.",
    observed.uploadsRunning,
  );
  gauge("media_jobs_pending", "Media jobs running or queued.", observed.mediaJobsPending);
  addProcessMetrics(registry);
  registry.add("gauge", "image_sharing_build_info", "Always 1.", () => [
    { labels: { version: observed.version }, value: 1 },
  ]);

  const publishedPosts = cached(10 * 60_000, observed.publishedPosts);
  registry.add(
    "gauge",
    "image_sharing_posts",
    "Posts by state; `published` is up to ten minutes old. Many in `deleting` mean that a store fails to delete.",
    async () => {
      try {
        const counts = { ...(await observed.unfinishedPosts()), published: await publishedPosts() };
        return Object.entries(counts).map(([state, value]) => ({ labels: { state }, value }));
      } catch {
        // The other metrics must stay available while the database is down.
        return [];
      }
    },
  );

  const renditionJobs = cached(60_000, observed.renditionJobs);
  registry.add(
    "gauge",
    "image_sharing_rendition_jobs",
    "Renditions to be made, by kind and state; up to a minute old. `image-sharing renditions` repeats failed ones.",
    async () => {
      try {
        return (await renditionJobs()).map(({ kind, state, jobs }) => ({
          labels: { kind, state },
          value: jobs,
        }));
      } catch {
        return [];
      }
    },
  );

  const unfinishedUploads = cached(60_000, observed.unfinishedUploads);
  registry.add(
    "gauge",
    "image_sharing_unfinished_uploads",
    "Resumable uploads that are not published yet, on all nodes; up to a minute old.",
    async () => {
      try {
        return [{ value: await unfinishedUploads() }];
      } catch {
        return [];
      }
    },
  );

  for (const [name, help, value] of [
    ["free", "Free bytes on the disk of database, uploads and media.", "free"],
    ["size", "Size of that disk.", "size"],
    ["min_free", "Uploads are rejected while less than this is free.", "minFree"],
  ] as const)
    gauge(`disk_${name}_bytes`, help, async () => (await observed.diskUsage())?.[value] ?? Number.NaN);

  return {
    request(method, route, status, seconds) {
      requests.increment([method, route, String(status)]);
      durations.observe([route], seconds);
    },
    upload(result, bytes) {
      uploads.increment([result]);
      if (result === "published") uploadBytes.increment([], bytes);
    },
    storeCall: (store, operation, result) => storeCalls.increment([store, operation, result]),
    rendition: (kind, outcome) => renditions.increment([kind, outcome]),
    swept: (outcome, posts) => swept.increment([outcome], posts),
    watchLog: (dropped) =>
      registry.addValue(
        "counter",
        "image_sharing_log_dropped_lines_total",
        "Log lines dropped because the reader was too slow.",
        dropped,
      ),
    watchEventLoop: () => addEventLoopDelay(registry),
    text: () => registry.text(),
  };
}

/** Wraps a function so that it reuses its result for this long. */
function cached<Result>(lifetimeMs: number, read: () => Promise<Result>): () => Promise<Result> {
  let last: { result: Result; until: number } | undefined;
  return async () => {
    if (!last || last.until < Date.now()) last = { result: await read(), until: Date.now() + lifetimeMs };
    return last.result;
  };
}
