import { ptr } from "bun:ffi";

import { cannotExecuteStatus, type LimitedJob, type ProgramLimits } from "../concurrency/limited-program.ts";
import { openCLibrary } from "./c-library.ts";
import { subordinate } from "./subordinate.ts";

const maxOpenFiles = 64;

/** Resources of setrlimit(2) on Linux. */
const resources = { processorSeconds: 0, fileBytes: 1, coreBytes: 4, openFiles: 7, addressSpace: 9 } as const;

/**
 * Internal command: becomes a program of the system, with resource limits. Linux only. Neither a shell nor tools such as
 * prlimit are needed for it, which images of containers may not have.
 */
export async function limited({ command, limits, parent }: LimitedJob): Promise<void> {
  const c = openCLibrary({
    getppid: { args: [], returns: "i32" },
    fcntl: { args: ["i32", "i32", "i32"], returns: "i32" },
    setrlimit: { args: ["i32", "ptr"], returns: "i32" },
    execve: { args: ["ptr", "ptr", "ptr"], returns: "i32" },
  });
  if (!c) throw new Error("this system's C library is unknown");
  subordinate(limits.niceness);
  // The service may have ended before this process asked to end with it.
  if (c.getppid() !== parent) return;

  // The runtime makes its output non-blocking, and a program that does not expect that would lose output.
  for (const file of [1, 2]) c.fcntl(file, setFlags, c.fcntl(file, getFlags, 0) & ~nonBlocking);

  const texts = command.map((text) => Buffer.from(`${text}\0`));
  const addresses = new BigUint64Array([...texts.map((text) => BigInt(ptr(text))), 0n]);
  const emptyEnvironment = new BigUint64Array([0n]);
  // Limits on this process's own memory must not come before its last allocation.
  for (const [resource, limit] of valuesOf(limits)) c.setrlimit(resource, limit);
  c.execve(texts[0]!, addresses, emptyEnvironment);
  process.exit(cannotExecuteStatus);
}

/** Commands and a flag of fcntl(2) on Linux. */
const getFlags = 3;
const setFlags = 4;
const nonBlocking = 0o4000;

/** The soft and hard limits of each resource. They are equal: at a soft limit alone, ffmpeg ends as if it had finished. */
const valuesOf = ({ processorSeconds, fileBytes, memoryBytes }: ProgramLimits): [number, BigUint64Array][] =>
  (
    [
      [resources.processorSeconds, Math.ceil(processorSeconds)],
      [resources.fileBytes, fileBytes],
      [resources.coreBytes, 0],
      [resources.openFiles, maxOpenFiles],
      [resources.addressSpace, memoryBytes],
    ] as const
  ).map(([resource, limit]) => [resource, new BigUint64Array([BigInt(limit), BigInt(limit)])]);
