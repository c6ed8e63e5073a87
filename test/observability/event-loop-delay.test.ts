import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createHistogram, type RecordableHistogram } from "node:perf_hooks";

import { addEventLoopDelay } from "../../src/observability/event-loop-delay.ts";
import { MetricRegistry } from "../../src/observability/metric-registry.ts";
import { ServiceProcess } from "../support/process.ts";
import { until } from "../support/until.ts";

/** Values by name, and those of the histogram by bound. */
function read(text: string): Record<string, number> {
  const lines = text.matchAll(/^(?:nodejs_eventloop_lag|image_sharing_event_loop_delay)_(\S+) (\S+)$/gm);
  return Object.fromEntries(
    [...lines].map(([, name = "", value]) => [name.replace(/.*le="(.*)"}/, "$1"), Number(value)]),
  );
}

/** Adds the metrics to a new registry. Without a recorder, measures the event loop of this process. */
function newRegistry(recent?: RecordableHistogram): MetricRegistry {
  const registry = new MetricRegistry();
  addEventLoopDelay(registry, recent);
  return registry;
}

describe("event loop delay: samples", () => {
  test("event loop delay: a sample stays in the histogram, and in the gauges only until the next scrape", async () => {
    const recent = createHistogram();
    const registry = newRegistry(recent);
    for (let i = 0; i < 99; i++) recent.record(1e6);
    recent.record(400e6);
    const first = read(await registry.text());
    expect(first["max_seconds"]).toBeCloseTo(0.4, 2);
    expect(first["p50_seconds"]).toBeCloseTo(0.001, 4);
    expect(first["p99_seconds"]).toBeLessThan(0.1);
    expect(first).toMatchObject({ "0.005": 99, "0.25": 99, "0.5": 100, "+Inf": 100, seconds_count: 100 });
    expect(first["seconds_sum"]).toBeCloseTo(0.499, 2);

    recent.record(1e6);
    const second = read(await registry.text());
    expect(second["max_seconds"]).toBeCloseTo(0.001, 4);
    expect(second).toMatchObject({ "0.005": 100, "0.25": 100, "0.5": 101, "+Inf": 101, seconds_count: 101 });
  });

  test("event loop delay: counts each of many samples in its bucket", async () => {
    const seconds = [0.001, 0.004, 0.006, 0.02, 0.03, 0.04, 0.07, 0.2, 0.3, 0.7, 2, 4, 20];
    for (const times of [1, 7, 1000]) {
      const recent = createHistogram();
      for (let i = 0; i < times; i++) for (const each of seconds) recent.record(each * 1e9);
      const told = read(await newRegistry(recent).text());
      const buckets = Object.entries(told).filter(([name]) => /^(\+Inf|[\d.]+)$/.test(name));
      expect(buckets).toHaveLength(11);
      for (const [bound, count] of buckets) {
        const expected = seconds.filter((each) => each <= Number(bound.replace("+Inf", "Infinity"))).length;
        expect([bound, count]).toEqual([bound, expected * times]);
      }
    }
  });

  test("event loop delay: without samples there are no gauges and the histogram is empty", async () => {
    const text = await newRegistry(createHistogram()).text();
    expect(text).not.toMatch(/^nodejs_eventloop/m);
    expect(text).not.toContain("NaN");
    expect(read(text)).toMatchObject({ "+Inf": 0, seconds_count: 0, seconds_sum: 0 });
  });

  test("event loop delay: measures the time for which the loop was blocked", async () => {
    const registry = newRegistry();
    await until(async () => (read(await registry.text())["+Inf"] ?? 0) > 0);
    const end = performance.now() + 400;
    while (performance.now() < end);
    // The timer was due up to 20 ms after the loop was blocked.
    await until(async () => (read(await registry.text())["max_seconds"] ?? 0) > 0.37);
  });
});

describe("event loop delay: running service", () => {
  let service: ServiceProcess;
  beforeAll(async () => {
    service = new ServiceProcess(await mkdtemp(join(tmpdir(), "image-sharing-loop-")));
    await service.start();
  });
  afterAll(async () => {
    await service.kill();
    await rm(service.dataDir, { recursive: true, force: true });
  });

  test("metrics: contain the delay of the event loop as a histogram", async () => {
    let text = "";
    await until(async () => {
      text = await (await service.fetch("/metrics")).text();
      return (read(text)["+Inf"] ?? 0) > 3;
    });
    expect(text).toContain("# TYPE image_sharing_event_loop_delay_seconds histogram");
    expect(read(text)["p99_seconds"]).toBeGreaterThan(0);
  });

  test("metrics: sampling does not keep the process alive", async () => {
    expect(await service.stop()).toBe(0);
  });
});
