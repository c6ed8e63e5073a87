import { writeFileSync } from "node:fs";
import { setPriority } from "node:os";

import { dlopen } from "bun:ffi";

import { answerTo } from "../media/media-worker.ts";
import type { PreparationJob } from "../media/preparation.ts";

/** Nice value of media jobs, so that requests come first when both need the processor. */
const niceness = 5;

/** Internal: does the media jobs that the service sends, until the service is gone. Not for operators. */
export function mediaWorker(): void {
  if (!process.send) throw new Error("media-worker is started by the service only");
  process.on("disconnect", () => process.exit(0));
  // Terminals and service managers signal the whole process group, but the service lets running uploads finish first.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
  setPriority(niceness);
  raiseOomScore();
  exitWithService();
  process.on("message", async (job: PreparationJob) => void process.send!(await answerTo(job)));
}

/** Without memory the system should end a media job, which costs one upload, rather than the service (proc(5)). */
function raiseOomScore(): void {
  try {
    writeFileSync("/proc/self/oom_score_adj", "1000");
  } catch {
    // Other systems have no such thing.
  }
}

/** The C libraries of Linux: glibc's, and musl's by architecture. */
const cLibraries = ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"];
const setParentDeathSignal = 1;
const sigkill = 9;

/**
 * Has Linux kill this process when the service is gone, however it ended: a job that keeps the thread busy would not
 * notice the closed channel before its own end (PR_SET_PDEATHSIG, prctl(2)).
 */
function exitWithService(): void {
  if (process.platform !== "linux") return;
  for (const name of cLibraries) {
    try {
      const { symbols } = dlopen(name, { prctl: { args: ["i32", "u64"], returns: "i32" } });
      symbols.prctl(setParentDeathSignal, BigInt(sigkill));
      return;
    } catch {
      // Not this system's.
    }
  }
}
