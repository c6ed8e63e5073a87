type Labels = Readonly<Record<string, string>>;

/** One line of a metric. */
export interface Sample {
  readonly value: number;
  readonly labels?: Labels;
  /** Appended to the metric's name, such as `_bucket`. */
  readonly suffix?: string;
}

type MetricType = "counter" | "gauge" | "histogram";
type Read = () => Iterable<Sample> | Promise<Iterable<Sample>>;

/**
 * Metrics in Prometheus' text format 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/). The usual
 * client library is not used: loading it takes longer than the rest of the startup, and it hashes the labels for each
 * increment.
 */
export class MetricRegistry {
  readonly #metrics: { type: MetricType; name: string; help: string; read: Read }[] = [];

  /** Adds a metric that is read for every scrape, in the order of the calls. It may have no samples. */
  add(type: MetricType, name: string, help: string, read: Read): void {
    this.#metrics.push({ type, name, help, read });
  }

  /** Adds a metric of one value without labels. */
  addValue(type: MetricType, name: string, help: string, read: () => number | Promise<number>): void {
    this.add(type, name, help, async () => [{ value: await read() }]);
  }

  /** Adds a counter and returns it. */
  counter(name: string, help: string, ...labelNames: string[]): Counter {
    const counter = new Counter(labelNames);
    this.add("counter", name, help, () => counter.samples());
    return counter;
  }

  /** Adds a histogram and returns it. */
  histogram(name: string, help: string, bounds: readonly number[], ...labelNames: string[]): Histogram {
    const histogram = new Histogram(bounds, labelNames);
    this.add("histogram", name, help, () => histogram.samples());
    return histogram;
  }

  /** All metrics in the text format. */
  async text(): Promise<string> {
    const texts = this.#metrics.map(async ({ type, name, help, read }) => {
      const lines = [`# HELP ${name} ${escaped(help)}`, `# TYPE ${name} ${type}`];
      for (const { suffix = "", labels = {}, value } of await read())
        lines.push(`${name}${suffix}${labelText(labels)} ${value}`);
      return `${lines.join("\n")}\n`;
    });
    return (await Promise.all(texts)).join("\n");
  }
}

/** Counts by label values. */
export class Counter {
  readonly #counts = new Map<string, number>();

  constructor(private readonly labelNames: readonly string[]) {
    if (labelNames.length === 0) this.increment([], 0);
  }

  /** @param labelValues in the order of the names */
  increment(labelValues: readonly string[], by = 1): void {
    const key = keyOf(labelValues);
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + by);
  }

  *samples(): Generator<Sample> {
    for (const [key, value] of this.#counts) yield { labels: labelsOf(this.labelNames, key), value };
  }
}

/** Counts observations by bucket and label values. */
export class Histogram {
  readonly #series = new Map<string, { readonly counts: number[]; sum: number }>();

  /** @param bounds inclusive upper bounds of the buckets, ascending; the last bucket has none */
  constructor(
    private readonly bounds: readonly number[],
    private readonly labelNames: readonly string[],
  ) {
    if (labelNames.length === 0) this.#seriesOf([]);
  }

  observe(labelValues: readonly string[], value: number): void {
    const series = this.#seriesOf(labelValues);
    let bucket = 0;
    while (bucket < this.bounds.length && value > this.bounds[bucket]!) bucket += 1;
    series.counts[bucket]! += 1;
    series.sum += value;
  }

  /** Adds observations that were counted elsewhere: their number by bucket, and the sum of their values. */
  merge(labelValues: readonly string[], counts: readonly number[], sum: number): void {
    const series = this.#seriesOf(labelValues);
    for (const [bucket, count] of counts.entries()) series.counts[bucket]! += count;
    series.sum += sum;
  }

  *samples(): Generator<Sample> {
    for (const [key, { counts, sum }] of this.#series) {
      const labels = labelsOf(this.labelNames, key);
      let count = 0;
      for (const [bucket, bound] of [...this.bounds, "+Inf"].entries()) {
        count += counts[bucket]!;
        yield { suffix: "_bucket", labels: { le: String(bound), ...labels }, value: count };
      }
      yield { suffix: "_sum", labels, value: sum };
      yield { suffix: "_count", labels, value: count };
    }
  }

  #seriesOf(labelValues: readonly string[]) {
    const key = keyOf(labelValues);
    let series = this.#series.get(key);
    if (!series) {
      series = { counts: Array<number>(this.bounds.length + 1).fill(0), sum: 0 };
      this.#series.set(key, series);
    }
    return series;
  }
}

const separator = "\0";
const keyOf = (labelValues: readonly string[]) => labelValues.join(separator);

function labelsOf(names: readonly string[], key: string): Labels {
  const values = key.split(separator);
  return Object.fromEntries(names.map((name, i) => [name, values[i] ?? ""]));
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}="${escaped(value).replaceAll('"', '\\"')}"`,
  );
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

const escaped = (text: string) => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
