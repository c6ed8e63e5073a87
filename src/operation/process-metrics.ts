import { readdirSync, readFileSync } from "node:fs";

// Not the package's index, which loads an HTTP client and more: that took a tenth of the start.
import Counter from "prom-client/lib/counter.js";
import Gauge from "prom-client/lib/gauge.js";
import type Registry from "prom-client/lib/registry.js";

/**
 * Adds the metrics of this process, under the names that Prometheus' client libraries give them. What the system does not
 * tell is left out. The processes that prepare media are not included.
 */
export function addProcessMetrics(registry: InstanceType<typeof Registry>): void {
  const registers = [registry];
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  new Counter({
    name: "process_cpu_seconds_total",
    help: "Processor time used, user and system.",
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  gauge("process_resident_memory_bytes", "Memory in use.", () => process.memoryUsage.rss());
  const started = Date.now() / 1000 - process.uptime();
  gauge("process_start_time_seconds", "Start, as Unix time.", () => started);
  if (openFiles() !== undefined)
    gauge("process_open_fds", "Open files and connections.", () => openFiles() ?? Number.NaN);
  const maxFiles = maxOpenFiles();
  if (maxFiles !== undefined)
    gauge("process_max_fds", "Files and connections that may be open at once.", () => maxFiles);
}

/** Undefined where the system does not tell. */
function openFiles(): number | undefined {
  try {
    // Without the one that lists them.
    return readdirSync("/proc/self/fd").length - 1;
  } catch {
    return undefined;
  }
}

/** The soft limit (proc(5)); undefined where there is none or the system does not tell. */
function maxOpenFiles(): number | undefined {
  try {
    const [, limit] = /^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    return limit === undefined ? undefined : Number(limit);
  } catch {
    return undefined;
  }
}
