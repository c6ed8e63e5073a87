import { closeSync, fsyncSync, openSync } from "node:fs";

/**
 * Flushes a folder's entries to disk.
 * @throws the file system's error
 */
export function syncFolder(path: string): void {
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
