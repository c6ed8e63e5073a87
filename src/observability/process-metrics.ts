import { readdirSync, readFileSync } from "node:fs";

import type { MetricRegistry } from "./metric-registry.ts";

/**
 * Adds the metrics of this process, under the names that Prometheus' client libraries give them. Values that the system
 * does not report are left out. The media workers are not included.
 */
export function addProcessMetrics(registry: MetricRegistry): void {
  registry.addValue("counter", "process_cpu_seconds_total", "Processor time used, user and system.", () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  registry.addValue("gauge", "process_resident_memory_bytes", "Memory in use.", () =>
    process.memoryUsage.rss(),
  );
  const startTime = Date.now() / 1000 - process.uptime();
  registry.addValue(
    "gauge",
    "process_start_time_seconds",
    "Start of the process, in Unix time.",
    () => startTime,
  );
  if (openFiles() !== undefined)
    registry.addValue(
      "gauge",
      "process_open_fds",
      "Open files and connections.",
      () => openFiles() ?? Number.NaN,
    );
  const maxFiles = maxOpenFiles();
  if (maxFiles !== undefined)
    registry.addValue(
      "gauge",
      "process_max_fds",
      "Files and connections that may be open at once.",
      () => maxFiles,
    );
}

/** Undefined if the system does not report it. */
function openFiles(): number | undefined {
  try {
    // Does not count the descriptor of this listing.
    return readdirSync("/proc/self/fd").length - 1;
  } catch {
    return undefined;
  }
}

/** The soft limit (proc(5)); undefined if there is none or the system does not report it. */
function maxOpenFiles(): number | undefined {
  try {
    const [, limit] = /^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    return limit === undefined ? undefined : Number(limit);
  } catch {
    return undefined;
  }
}
