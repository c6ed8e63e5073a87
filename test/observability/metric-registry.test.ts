import { expect, test } from "bun:test";

import { MetricRegistry } from "../../src/observability/metric-registry.ts";

test("metric registry: writes metrics in the order they were added, in Prometheus' text format", async () => {
  const registry = new MetricRegistry();
  const calls = registry.counter("calls_total", "Calls.", "method", "status");
  registry.counter("bytes_total", "Bytes.").increment([], 7);
  registry.counter("idle_total", "Never incremented.");
  registry.addValue("gauge", "size", "Size.", () => Number.NaN);
  registry.add("gauge", "states", "States.", async () => [{ labels: { state: "a" }, value: 0.5 }]);
  registry.add("gauge", "nothing", "Without samples.", () => []);
  calls.increment(["GET", "200"]);
  calls.increment(["PUT", "200"], 2);
  calls.increment(["GET", "200"]);
  expect(await registry.text()).toBe(`# HELP calls_total Calls.
# TYPE calls_total counter
calls_total{method="GET",status="200"} 2
calls_total{method="PUT",status="200"} 2

# HELP bytes_total Bytes.
# TYPE bytes_total counter
bytes_total 7

# HELP idle_total Never incremented.
# TYPE idle_total counter
idle_total 0

# HELP size Size.
# TYPE size gauge
size NaN

# HELP states States.
# TYPE states gauge
states{state="a"} 0.5

# HELP nothing Without samples.
# TYPE nothing gauge
`);
});

test("metric registry: escapes label values and descriptions", async () => {
  const registry = new MetricRegistry();
  registry.counter("odd_total", 'A "quoted" \\ and\na line.', "name").increment(['"a"\\b\n']);
  expect((await registry.text()).split("\n")).toEqual([
    '# HELP odd_total A "quoted" \\\\ and\\na line.',
    "# TYPE odd_total counter",
    'odd_total{name="\\"a\\"\\\\b\\n"} 1',
    "",
  ]);
});

test("metric registry: a histogram counts a value in every bucket whose bound it does not exceed", async () => {
  const registry = new MetricRegistry();
  const seconds = registry.histogram("seconds", "Time.", [0.5, 2], "route");
  for (const value of [0.25, 0.5, 1, 200]) seconds.observe(["/feed"], value);
  seconds.observe(["none"], 2);
  seconds.merge(["none"], [3, 0, 1], 10);
  expect((await registry.text()).split("\n").slice(2, -1)).toEqual([
    'seconds_bucket{le="0.5",route="/feed"} 2',
    'seconds_bucket{le="2",route="/feed"} 3',
    'seconds_bucket{le="+Inf",route="/feed"} 4',
    'seconds_sum{route="/feed"} 201.75',
    'seconds_count{route="/feed"} 4',
    'seconds_bucket{le="0.5",route="none"} 3',
    'seconds_bucket{le="2",route="none"} 4',
    'seconds_bucket{le="+Inf",route="none"} 5',
    'seconds_sum{route="none"} 12',
    'seconds_count{route="none"} 5',
  ]);
});

test("metric registry: a histogram without labels has its buckets before the first value", async () => {
  const registry = new MetricRegistry();
  registry.histogram("seconds", "Time.", [1]);
  expect((await registry.text()).split("\n").slice(2, -1)).toEqual([
    'seconds_bucket{le="1"} 0',
    'seconds_bucket{le="+Inf"} 0',
    "seconds_sum 0",
    "seconds_count 0",
  ]);
});
