import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";

/** Milliseconds after which a folder of another machine, unchanged, is taken for a dead process's: no upload lasts as long. */
const longUnused = 24 * 3_600_000;

/**
 * Makes a folder for this process's temp files below `root`, and removes those that dead processes left. Folder names
 * begin with the process id and the machine's name. A process that was idle for a day may find its own gone: make
 * sure of it before each use.
 * @param shared other machines may be at work in this folder; whether their processes live cannot be asked from here
 */
export async function makeTempDir(
  root: string,
  { shared }: { shared: boolean },
): Promise<{ path: string; remove(): Promise<void> }> {
  await mkdir(root, { recursive: true });
  for (const name of await readdir(root)) {
    const path = join(root, name);
    const [owner = "", machine] = /^(\d+)@(.+)-.{6}$/.exec(name)?.slice(1) ?? [name];
    const inUse =
      shared && machine !== undefined && machine !== hostname()
        ? await isRecent(path)
        : await isUsedHere(Number.parseInt(owner, 10), path);
    if (!inUse) await rm(path, { recursive: true, force: true });
  }
  const path = await mkdtemp(join(root, `${process.pid}@${hostname()}-`));
  ours.add(path);
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** Folders that this process made: tests run several services in one. */
const ours = new Set<string>();

/** In a container every process is number 1: a folder of our own number is a predecessor's. */
const isUsedHere = async (pid: number, path: string) =>
  pid === process.pid ? ours.has(path) : isAlive(pid) && !(await isYounger(pid, path));

/** Whether a process started after the folder's last change: its number has been given to another process since. */
async function isYounger(pid: number, path: string): Promise<boolean> {
  const startedAt = startTimeOf(pid);
  return startedAt !== undefined && startedAt > (await stat(path)).mtimeMs;
}

/** Milliseconds since the epoch, as Linux tells it (proc(5)); infinite for a dead process that was not waited for yet. */
function startTimeOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z" || fields[0] === "X") return Number.POSITIVE_INFINITY;
    const bootedAt = Number(/^btime (\d+)$/m.exec(readFileSync("/proc/stat", "latin1"))?.[1]) * 1000;
    // In hundredths of a second since the system was booted.
    return bootedAt + Number(fields[19]) * 10;
  } catch {
    return undefined;
  }
}

const isRecent = (path: string) =>
  stat(path).then(
    ({ mtimeMs }) => Date.now() - mtimeMs < longUnused,
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
