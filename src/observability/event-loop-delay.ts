import { monitorEventLoopDelay, type Histogram as Recorder } from "node:perf_hooks";

import { Histogram, type MetricRegistry } from "./metric-registry.ts";

/** Milliseconds between samples, each of which is the delay of a timer. Sampling takes 0.3 % of a core. */
const resolutionMs = 20;

/** Upper bounds of the histogram's buckets, in seconds. */
const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/**
 * Adds metrics of the event loop's delay: a histogram since startup, and gauges since the last scrape under the names of
 * Prometheus' client library for Node. Sampling does not keep the process alive.
 * @param recent records nanoseconds; every scrape resets it
 */
export function addEventLoopDelay(registry: MetricRegistry, recent: Recorder = startRecorder()): void {
  const gauges = {
    min: () => recent.min,
    max: () => recent.max,
    mean: () => recent.mean,
    stddev: () => recent.stddev,
    p50: () => recent.percentile(50),
    p90: () => recent.percentile(90),
    p99: () => recent.percentile(99),
  };
  for (const [name, read] of Object.entries(gauges))
    registry.add(
      "gauge",
      `nodejs_eventloop_lag_${name}_seconds`,
      `Delay of the event loop since the last scrape: ${name}.`,
      () => (recent.count === 0 ? [] : [{ value: read() / 1e9 }]),
    );
  const delays = new Histogram(bounds, []);
  // Must be added after the gauges, because reading it resets the recorder.
  registry.add(
    "histogram",
    "image_sharing_event_loop_delay_seconds",
    `Delay of the event loop, sampled every ${resolutionMs} ms.`,
    () => {
      if (recent.count > 0) {
        delays.merge([], countsByBucket(recent), (recent.mean * recent.count) / 1e9);
        recent.reset();
      }
      return delays.samples();
    },
  );
}

function startRecorder(): Recorder {
  const monitor = monitorEventLoopDelay({ resolution: resolutionMs });
  monitor.enable();
  return monitor;
}

function countsByBucket(recent: Recorder): number[] {
  const cumulative = [...bounds.map((bound) => countUpTo(recent, bound * 1e9)), recent.count];
  return cumulative.map((count, bucket) => count - (cumulative[bucket - 1] ?? 0));
}

/** The number of samples up to a value, by bisection, because the recorder only provides percentiles. */
function countUpTo(recent: Recorder, value: number): number {
  const { count } = recent;
  let [low, high] = [0, count];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (recent.percentile((middle / count) * 100) <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}
