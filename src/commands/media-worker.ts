import { writeFileSync } from "node:fs";
import { getPriority, setPriority } from "node:os";

import { dlopen } from "bun:ffi";

import { runJob, type WorkerJob } from "../uploads/media-worker.ts";

/** Nice value of media jobs, unless the service itself has a higher one: requests take precedence over them. */
const niceness = 5;

/** Internal command: runs the media jobs that the service sends, until the service exits. */
export function mediaWorker(): void {
  if (!process.send) throw new Error("media-worker can only be started by the service");
  process.on("disconnect", () => process.exit(0));
  // Terminals and service managers signal the whole process group, but the service finishes running uploads first.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
  // Only root may lower a nice value.
  setPriority(Math.max(niceness, getPriority()));
  raiseOomScore();
  exitWithService();
  process.on("message", async (job: WorkerJob) => void process.send!(await runJob(job)));
}

/** Makes the kernel kill a media job before the service when memory runs out (proc(5)). */
function raiseOomScore(): void {
  try {
    writeFileSync("/proc/self/oom_score_adj", "1000");
  } catch {
    // Linux only.
  }
}

/** The C libraries of Linux: glibc, and musl by architecture. */
const cLibraries = ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"];
const setParentDeathSignal = 1;
const sigkill = 9;

/**
 * Makes Linux kill this process when the service exits for any reason (PR_SET_PDEATHSIG, prctl(2)). A job that blocks the
 * thread would not notice the closed channel.
 */
function exitWithService(): void {
  if (process.platform !== "linux") return;
  for (const name of cLibraries) {
    try {
      const { symbols } = dlopen(name, { prctl: { args: ["i32", "u64"], returns: "i32" } });
      symbols.prctl(setParentDeathSignal, BigInt(sigkill));
      return;
    } catch {
      // Try the next library.
    }
  }
}
