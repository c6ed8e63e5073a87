/** Upper ends of the durations' ranges, in seconds. */
const bounds = [0.001, 0.005, 0.025, 0.1, 0.25, 1, 5, 30, 120];

/** What was counted of one route. */
interface RouteCounts {
  /** Answers by method and status. */
  readonly answers: Map<string, Map<number, number>>;
  /** Answers by the first bound that their duration does not exceed; the last: longer than any. */
  readonly durations: number[];
  seconds: number;
  requests: number;
}

/**
 * Counts requests and how long they take. Apart from the other metrics because every request is counted: the library
 * hashes all labels anew each time, which costs as much as a query.
 */
export class RequestCounts {
  readonly #routes = new Map<string, RouteCounts>();

  /** @param route a pattern, never a path: everybody can ask for any */
  add(method: string, route: string, status: number, seconds: number): void {
    let counts = this.#routes.get(route);
    if (!counts) {
      const durations = Array<number>(bounds.length + 1).fill(0);
      counts = { answers: new Map(), durations, seconds: 0, requests: 0 };
      this.#routes.set(route, counts);
    }
    let statuses = counts.answers.get(method);
    if (!statuses) counts.answers.set(method, (statuses = new Map()));
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    let range = 0;
    while (range < bounds.length && seconds > bounds[range]!) range += 1;
    counts.durations[range]! += 1;
    counts.seconds += seconds;
    counts.requests += 1;
  }

  /** A counter and a histogram in Prometheus' text format. Methods and routes hold nothing that has to be escaped. */
  text(): string {
    const total = "image_sharing_http_requests_total";
    const duration = "image_sharing_http_request_duration_seconds";
    const counters = [`# HELP ${total} Requests answered.`, `# TYPE ${total} counter`];
    const histograms = [
      `# HELP ${duration} Time from a request's headers to its answer's.`,
      `# TYPE ${duration} histogram`,
    ];
    for (const [route, { answers, durations, seconds, requests }] of this.#routes) {
      for (const [method, statuses] of answers)
        for (const [status, answered] of statuses)
          counters.push(`${total}{method="${method}",route="${route}",status="${status}"} ${answered}`);
      let upTo = 0;
      for (const [range, bound] of [...bounds, "+Inf"].entries()) {
        upTo += durations[range]!;
        histograms.push(`${duration}_bucket{le="${bound}",route="${route}"} ${upTo}`);
      }
      histograms.push(`${duration}_sum{route="${route}"} ${seconds}`);
      histograms.push(`${duration}_count{route="${route}"} ${requests}`);
    }
    return `${counters.join("\n")}\n\n${histograms.join("\n")}\n`;
  }
}
