import { readFileSync } from "node:fs";

type TerminationSignal = "SIGINT" | "SIGTERM" | "SIGHUP";

/**
 * Returns the signals that terminate a process: Ctrl-C, a service manager's request and the end of the terminal. Omits
 * SIGHUP if the parent process set it to be ignored, as `nohup` does, because a handler would undo that.
 */
export function terminationSignals(): TerminationSignal[] {
  return ["SIGINT", "SIGTERM", ...(ignoresHangup() ? [] : (["SIGHUP"] as const))];
}

/** Known only on Linux, from bit 0 of the mask of ignored signals (proc(5)). */
function ignoresHangup(): boolean {
  try {
    const [, mask = "0"] = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
    return (BigInt(`0x${mask}`) & 1n) === 1n;
  } catch {
    return false;
  }
}
