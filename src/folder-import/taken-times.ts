import { mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";

import { ApiError } from "../errors.ts";
import type { MediaWorkers } from "../uploads/media-workers.ts";
import { firstBytesLength } from "../uploads/taken-times.ts";
import type { SourceFolder } from "./source-folder.ts";

/** Finds when photos were taken. @returns milliseconds since 1970, by path, of the photos that say so */
export type TakenTimes = (paths: readonly string[]) => Promise<ReadonlyMap<string, number>>;

/**
 * Creates the function that reads the EXIF data of photos. It copies the first bytes of many photos into one temp file for a
 * media worker, which may have no right to read the photos themselves.
 * @param tempDir folder of the temp file
 */
export function createTakenTimes(
  source: SourceFolder,
  mediaWorkers: MediaWorkers,
  { tempDir, accountId, signal }: { tempDir: string; accountId: string; signal: AbortSignal },
): TakenTimes {
  const buffer = Buffer.allocUnsafeSlow(firstBytesLength);
  return async (paths) => {
    if (paths.length === 0) return new Map();
    await mkdir(tempDir, { recursive: true, mode: 0o700 });
    const temp = join(tempDir, crypto.randomUUID());
    const bytes = paths.length * firstBytesLength;
    try {
      const file = await open(temp, "wx", 0o600);
      try {
        for (const [index, path] of paths.entries())
          await file.write(buffer, 0, source.readStart(path, buffer), index * firstBytesLength);
        await file.truncate(bytes);
      } finally {
        await file.close();
      }
      const times = await mediaWorkers.readTakenTimes(temp, accountId, bytes, signal);
      return new Map(
        paths.flatMap((path, index) => {
          const time = Date.parse(times[index] ?? "");
          return Number.isNaN(time) ? [] : [[path, time] as const];
        }),
      );
    } catch (error) {
      // Without these times some photos may be out of order, which must not end the import.
      if (error instanceof ApiError && error.code === "DAMAGED_MEDIA") return new Map();
      throw error;
    } finally {
      await rm(temp, { force: true });
    }
  };
}
