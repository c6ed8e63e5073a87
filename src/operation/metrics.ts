// Not the package's index, which loads an HTTP client and more: that took a tenth of the start.
import Counter from "prom-client/lib/counter.js";
import Gauge from "prom-client/lib/gauge.js";
import Registry from "prom-client/lib/registry.js";

import { EventLoopDelay } from "./event-loop-delay.ts";
import { addProcessMetrics } from "./process-metrics.ts";
import { RequestCounts } from "./request-counts.ts";

/** What is counted, for Prometheus. */
export interface Metrics {
  request(method: string, route: string, status: number, seconds: number): void;
  /** `result`: `published`, or the API's error code. */
  upload(result: string, bytes: number): void;
  /** `result`: `ok`, or the API's error code. */
  storeCall(store: string, operation: "put" | "find" | "delete", result: string): void;
  /** Posts that a sweep abandoned, whose bytes it deleted, or could not delete. */
  swept(outcome: "abandoned" | "deleted" | "failed", posts: number): void;
  /** Measures from now on how late the event loop is. */
  watchEventLoop(): void;
  /** Tells from now on how many lines of the log were dropped. */
  watchLog(dropped: () => number): void;
  /** All of it in Prometheus' text format. */
  text(): Promise<string>;
}

/** What is looked up when somebody asks, rather than counted. */
export interface Observed {
  readonly version: string;
  hashesPending(): number;
  uploadsRunning(): number;
  mediaJobsPending(): number;
  unfinishedPosts(): Promise<{ pending: number; deleting: number }>;
  publishedPosts(): Promise<number>;
  /** Of the file system that has the least space left; undefined where the system does not tell. */
  diskUsage(): Promise<{ free: number; size: number; minFree: number } | undefined>;
}

/** Metrics of one service, in a registry of its own. */
export function createMetrics(observed: Observed): Metrics {
  const registers = [new Registry()];
  const counter = (name: string, help: string, labelNames: string[] = []) =>
    new Counter({ name: `image_sharing_${name}`, help, labelNames, registers });
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });

  const publishedPosts = atMostEvery(10 * 60_000, () => observed.publishedPosts());
  const requests = new RequestCounts();
  let eventLoop: EventLoopDelay | undefined;
  const uploads = counter("uploads_total", "Uploads that came to their end.", ["result"]);
  const uploadBytes = counter("upload_bytes_total", "Bytes of published uploads.");
  const storeCalls = counter("store_calls_total", "Calls of media stores.", ["store", "operation", "result"]);
  const swept = counter("swept_posts_total", "Posts that sweeps worked on.", ["outcome"]);

  gauge(
    "image_sharing_password_hashes_pending",
    "Password hashes running and waiting.",
    observed.hashesPending,
  );
  gauge("image_sharing_uploads_running", "Uploads between reservation and answer.", observed.uploadsRunning);
  gauge("image_sharing_media_jobs_pending", "Media jobs running and waiting.", observed.mediaJobsPending);
  addProcessMetrics(registers[0]!);
  new Gauge({ name: "image_sharing_build_info", help: "Always 1.", labelNames: ["version"], registers }).set(
    { version: observed.version },
    1,
  );
  new Gauge({
    name: "image_sharing_posts",
    help: "Posts by state, the published as of the last ten minutes; many `deleting` ones: a store does not delete.",
    labelNames: ["state"],
    registers,
    async collect() {
      this.reset();
      try {
        const counts = { ...(await observed.unfinishedPosts()), published: await publishedPosts() };
        for (const [state, posts] of Object.entries(counts)) this.set({ state }, posts);
      } catch {
        // Without its database a service is watched all the more: everything else is still told.
      }
    },
  });

  for (const [name, help, value] of [
    ["free", "Bytes free on the disk of database, uploads and media.", "free"],
    ["size", "Size of that disk.", "size"],
    ["min_free", "With less than this free, uploads are refused.", "minFree"],
  ] as const)
    new Gauge({
      name: `image_sharing_disk_${name}_bytes`,
      help,
      registers,
      async collect() {
        this.set((await observed.diskUsage())?.[value] ?? Number.NaN);
      },
    });

  return {
    request: (...request) => requests.add(...request),
    upload(result, bytes) {
      uploads.inc({ result });
      if (result === "published") uploadBytes.inc(bytes);
    },
    storeCall: (store, operation, result) => storeCalls.inc({ store, operation, result }),
    swept: (outcome, posts) => swept.inc({ outcome }, posts),
    watchLog(dropped) {
      new Counter({
        name: "image_sharing_log_dropped_lines_total",
        help: "Lines of the log that nobody took.",
        registers,
        collect() {
          this.reset();
          this.inc(dropped());
        },
      });
    },
    watchEventLoop: () => void (eventLoop ??= EventLoopDelay.watch()),
    text: async () => [requests.text(), eventLoop?.text() ?? "", await registers[0]!.metrics()].join("\n"),
  };
}

/** The last answer again until it is this many milliseconds old. */
function atMostEvery<T>(interval: number, ask: () => Promise<T>): () => Promise<T> {
  let known: { answer: T; until: number } | undefined;
  return async () => {
    if (!known || known.until < Date.now()) known = { answer: await ask(), until: Date.now() + interval };
    return known.answer;
  };
}
