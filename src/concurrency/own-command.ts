import { join } from "node:path";

/** Returns the command line that runs an internal command of this program. */
export function ownCommand(name: string, ...args: string[]): string[] {
  if (!Bun.isStandaloneExecutable)
    return [process.execPath, "--no-env-file", join(import.meta.dir, "../main.ts"), name, ...args];
  // The running program, even if an upgrade has replaced its file (proc(5)).
  return [process.platform === "linux" ? "/proc/self/exe" : process.execPath, name, ...args];
}
