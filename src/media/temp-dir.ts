import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";

/**
 * Makes a folder for this process's temp files below `root`, and removes those that dead processes left.
 * Folder names begin with the process id.
 */
export async function makeTempDir(root: string): Promise<{ path: string; remove(): Promise<void> }> {
  await mkdir(root, { recursive: true });
  for (const name of await readdir(root)) {
    const owner = Number.parseInt(name, 10);
    // In a container every process is number 1: a folder of our own number is a predecessor's.
    if (owner === process.pid ? ours.has(join(root, name)) : isAlive(owner)) continue;
    await rm(join(root, name), { recursive: true, force: true });
  }
  const path = await mkdtemp(join(root, `${process.pid}-`));
  ours.add(path);
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** Folders that this process made: tests run several services in one. */
const ours = new Set<string>();

function isAlive(pid: number): boolean {
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
