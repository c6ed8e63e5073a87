import { writeFileSync } from "node:fs";
import { getPriority, setPriority } from "node:os";

import { openCLibrary } from "./c-library.ts";

const setParentDeathSignal = 1;
const sigkill = 9;

/**
 * Makes this process, and any program that it executes in its place, yield to the service: it has a lower priority, is
 * killed first when memory runs out, and ends with the service.
 * @param niceness the nice value, unless the service itself has a higher one
 */
export function subordinate(niceness: number): void {
  // Only root may lower a nice value.
  setPriority(Math.max(niceness, getPriority()));
  raiseOomScore();
  exitWithService();
}

/** Makes the kernel kill this process before the service when memory runs out (proc(5)). */
function raiseOomScore(): void {
  try {
    writeFileSync("/proc/self/oom_score_adj", "1000");
  } catch {
    // Linux only.
  }
}

/**
 * Makes Linux kill this process when the service exits for any reason (PR_SET_PDEATHSIG, prctl(2)). A job that blocks the
 * thread would not notice the closed channel.
 */
function exitWithService(): void {
  const c = openCLibrary({ prctl: { args: ["i32", "u64"], returns: "i32" } });
  c?.prctl(setParentDeathSignal, BigInt(sigkill));
}
