import { open } from "node:fs/promises";

/**
 * Flushes a file's contents or a folder's entries to disk.
 * @throws the file system's error
 */
export async function syncToDisk(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
