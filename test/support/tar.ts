import { open } from "node:fs/promises";

import { readTarEntries, type Entry } from "../../src/backup/tar.ts";

/** Reads the entries of the archive at `path`. */
export async function* readTar(path: string): AsyncGenerator<Entry> {
  const file = await open(path, "r");
  try {
    yield* readTarEntries(file);
  } finally {
    await file.close();
  }
}
