import { existsSync } from "node:fs";
import { readdir, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";

import { ownerOf } from "../uploads/temp-dir.ts";

/**
 * Marks that this process imports files for an account, in its folder of temp files. The folders of processes that have
 * ended are removed before.
 * @param tempDir as {@link createTempDir} has made it
 * @returns the id of another process on this machine that imports for the account; undefined for none
 */
export async function markImport(tempDir: string, accountId: string): Promise<number | undefined> {
  const mark = `import-${accountId}`;
  await writeFile(join(tempDir, mark), "", { mode: 0o600 });
  const root = dirname(tempDir);
  for (const name of await readdir(root)) {
    const [pid, machine] = ownerOf(name);
    if (name === basename(tempDir) || machine !== hostname()) continue;
    if (existsSync(join(root, name, mark))) return Number(pid);
  }
  return undefined;
}
