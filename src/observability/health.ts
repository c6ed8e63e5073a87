import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { diskFailure } from "../disk-errors.ts";

/** Timeout of a check, shorter than those of the `health` command and of Docker. */
const deadlineMs = 2000;

/** Routes that still respond during shutdown. */
export const probes: ReadonlySet<string> = new Set(["/health", "/readyz", "/livez"]);

/** Checks the database and the disk. Rejects with the reason if one of them fails or does not respond in time. */
export type HealthCheck = () => Promise<void>;

/**
 * Creates the check of `/health` and `/readyz`.
 * @param ping reads from the database
 * @param tempDir where uploads are staged
 * @param mediaDir where media are stored; undefined if that is not this machine's disk
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
 * Wraps a check so that runs never overlap. Concurrent callers share one run, so that a hanging check blocks only one
 * thread. The deadline counts from the start of the run. After it, calls fail immediately until the run ends.
 */
export function sharedCheck(name: string, check: () => Promise<void>, deadlineMs: number): HealthCheck {
  let running: { readonly ended: Promise<void>; readonly deadline: number } | undefined;

  function begin() {
    const ended = check().finally(() => (running = undefined));
    // A failure after all callers have timed out must not count as an unhandled rejection.
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
 * Writes, reads and deletes a small file, without flushing it. A full disk is not a failure, because everything but
 * uploads still works.
 */
async function tryDisk(tempDir: string, mediaDir: string | undefined): Promise<void> {
  const path = join(tempDir, "health");
  // Another machine may have removed this folder as that of a dead process.
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
