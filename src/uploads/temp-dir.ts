import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";

/** Milliseconds without a change after which another machine's folder counts as abandoned. No upload takes that long. */
const maxIdleMs = 24 * 3_600_000;

/**
 * Creates a folder for this process's temp files in `root`, and removes those of processes that have ended. Folder
 * names begin with the process id and the host name. After a day without use, another machine may remove the folder, so
 * callers must create it again, if necessary, before each use.
 * @param shared whether other machines use `root` too, whose processes cannot be seen from here
 * @returns the folder's path, and a function that removes it
 */
export async function createTempDir(
  root: string,
  { shared }: { shared: boolean },
): Promise<{ path: string; remove(): Promise<void> }> {
  await mkdir(root, { recursive: true });
  for (const name of await readdir(root)) {
    const path = join(root, name);
    const [owner, machine] = ownerOf(name);
    const inUse =
      shared && machine !== undefined && machine !== hostname()
        ? await isRecent(path)
        : await isUsedHere(Number.parseInt(owner, 10), path);
    if (!inUse) await rm(path, { recursive: true, force: true });
  }
  const path = await mkdtemp(join(root, `${process.pid}@${hostname()}-`));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/**
 * Returns the id of the process that created a folder, and its host name, from the folder's name. Those of early versions of
 * this program have no host name.
 */
export function ownerOf(folderName: string): [pid: string, machine: string | undefined] {
  const [pid = folderName, machine] = /^(\d+)@(.+)-.{6}$/.exec(folderName)?.slice(1) ?? [];
  return [pid, machine];
}

/** Whether the process on this machine that created the folder is still running. */
const isUsedHere = async (pid: number, path: string) =>
  isAlive(pid) && !(await startedAfterChange(pid, path));

/**
 * Whether a process started after the folder's last change, so that its id belonged to another process then. In a
 * container even this process's own id usually did, because ids start from 1 again.
 */
async function startedAfterChange(pid: number, path: string): Promise<boolean> {
  const startedAt = startTimeOf(pid);
  return startedAt !== undefined && startedAt > (await stat(path)).mtimeMs;
}

/** Start of a process in milliseconds since 1970, from proc(5); infinite for a zombie, undefined on other systems. */
function startTimeOf(pid: number): number | undefined {
  if (pid === process.pid) return performance.timeOrigin;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z" || fields[0] === "X") return Number.POSITIVE_INFINITY;
    const bootedAt = Number(/^btime (\d+)$/m.exec(readFileSync("/proc/stat", "latin1"))?.[1]) * 1000;
    // In hundredths of a second since boot.
    return bootedAt + Number(fields[19]) * 10;
  } catch {
    return undefined;
  }
}

const isRecent = (path: string) =>
  stat(path).then(
    ({ mtimeMs }) => Date.now() - mtimeMs < maxIdleMs,
    () => false,
  );

function isAlive(pid: number): boolean {
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
