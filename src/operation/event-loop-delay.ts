import { monitorEventLoopDelay, type Histogram } from "node:perf_hooks";

/** Milliseconds between samples: each is how much later than planned a timer ran. Costs 0.3 % of a core. */
const resolutionMs = 20;

/** Upper ends of the histogram's buckets, in seconds. */
const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

const histogram = "image_sharing_event_loop_delay_seconds";

/**
 * How long everything else had to wait while the event loop was busy, in Prometheus' text format: as a histogram since the
 * start, and as gauges since the last scrape, under the names that prom-client gives them.
 */
export class EventLoopDelay {
  /** Samples up to each bound; the last: all. */
  readonly #counts = Array<number>(bounds.length + 1).fill(0);
  #sum = 0;

  /** @param recent samples since the last scrape, in nanoseconds */
  constructor(private readonly recent: Histogram) {}

  /** Takes samples from now on. They do not keep the process alive. */
  static watch(): EventLoopDelay {
    const monitor = monitorEventLoopDelay({ resolution: resolutionMs });
    monitor.enable();
    return new EventLoopDelay(monitor);
  }

  /** To be called once a scrape. */
  text(): string {
    const gauges = this.#gauges();
    this.#add();
    const buckets = [...bounds, "+Inf"].map(
      (bound, i) => `${histogram}_bucket{le="${bound}"} ${this.#counts[i]}`,
    );
    return [
      `# HELP ${histogram} Delay of the event loop, sampled every ${resolutionMs} ms.`,
      `# TYPE ${histogram} histogram`,
      ...buckets,
      `${histogram}_sum ${this.#sum}`,
      `${histogram}_count ${this.#counts.at(-1)}`,
      ...gauges,
      "",
    ].join("\n");
  }

  #gauges(): string[] {
    const { recent } = this;
    if (recent.count === 0) return [];
    const values = {
      min: recent.min,
      max: recent.max,
      mean: recent.mean,
      stddev: recent.stddev,
      p50: recent.percentile(50),
      p90: recent.percentile(90),
      p99: recent.percentile(99),
    };
    return Object.entries(values).flatMap(([name, nanoseconds]) => [
      `# HELP nodejs_eventloop_lag_${name}_seconds Delay of the event loop since the last scrape: ${name}.`,
      `# TYPE nodejs_eventloop_lag_${name}_seconds gauge`,
      `nodejs_eventloop_lag_${name}_seconds ${nanoseconds / 1e9}`,
    ]);
  }

  /** Moves the recent samples into the histogram. */
  #add(): void {
    const { recent } = this;
    const { count } = recent;
    if (count === 0) return;
    for (const [i, bound] of bounds.entries()) this.#counts[i]! += countUpTo(recent, bound * 1e9);
    this.#counts[bounds.length]! += count;
    this.#sum += (recent.mean * count) / 1e9;
    recent.reset();
  }
}

/** Samples that do not exceed a value, found by bisection: the monitor gives the value at a rank only. */
function countUpTo(recent: Histogram, value: number): number {
  const { count } = recent;
  let [low, high] = [0, count];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (recent.percentile((middle / count) * 100) <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}
