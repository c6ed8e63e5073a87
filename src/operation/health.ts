import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { diskFailure } from "../media/disk-failures.ts";

/** Milliseconds that a check may take: less than the `health` command and Docker wait. */
const deadlineMs = 2000;

/** Routes that go on answering while the service shuts down. */
export const probes: ReadonlySet<string> = new Set(["/health", "/readyz", "/livez"]);

/**
 * Checks that database and disk answer. Rejects with the reason where one fails, or has not answered in time.
 */
export type HealthCheck = () => Promise<void>;

/**
 * @param ping reads from the database
 * @param tempDir where uploads are staged
 * @param mediaDir where media are kept; undefined where that is not on this machine's disk
 */
export function createHealthCheck(
  ping: () => Promise<void>,
  { tempDir, mediaDir }: { tempDir: string; mediaDir: string | undefined },
): HealthCheck {
  const database = sharedCheck("The database", ping, deadlineMs);
  const disk = sharedCheck("The disk", () => tryDisk(tempDir, mediaDir), deadlineMs);
  return async () => void (await Promise.all([database(), disk()]));
}

/**
 * A check that runs once at a time: callers that arrive meanwhile share it, so that a hanging check holds one thread
 * only. Its deadline counts from its start: once it has passed, callers are refused at once until the check ends.
 */
export function sharedCheck(name: string, check: () => Promise<void>, deadlineMs: number): HealthCheck {
  let running: { readonly ended: Promise<void>; readonly deadline: number } | undefined;

  function begin() {
    const ended = check().finally(() => (running = undefined));
    // It may fail when no caller waits any more: that is no unhandled rejection.
    ended.catch(() => {});
    return { ended, deadline: performance.now() + deadlineMs };
  }

  return async () => {
    const { ended, deadline } = (running ??= begin());
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => late.reject(new Error(`${name} has not answered within ${deadlineMs} ms`)),
      Math.max(0, deadline - performance.now()),
    );
    try {
      await Promise.race([ended, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  };
}

/**
 * Writes, reads and deletes a small file, without waiting for the disk itself. A full disk is no failure: everything
 * but uploads works there.
 */
async function tryDisk(tempDir: string, mediaDir: string | undefined): Promise<void> {
  const path = join(tempDir, "health");
  // Another machine may have taken the folder for a dead process's.
  await mkdir(tempDir, { recursive: true, mode: 0o700 });
  try {
    const written = String(Date.now());
    await writeFile(path, written, { mode: 0o600 });
    if ((await readFile(path, "utf8")) !== written) throw new Error("The disk gives back something else");
  } catch (error) {
    if (diskFailure(error)?.code !== "STORAGE_FULL") throw error;
    await readdir(tempDir);
  } finally {
    await rm(path, { force: true });
  }
  if (mediaDir !== undefined) await stat(mediaDir);
}
