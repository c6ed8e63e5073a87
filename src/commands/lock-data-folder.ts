import type { Config } from "../config/config.ts";
import { lockDataFolder } from "../database/folder-lock.ts";
import { CommandError } from "./command-error.ts";
import { dataFolderError } from "./startup-errors.ts";

/**
 * Locks the data folder, so that only one service uses it.
 * @returns a function that releases the lock; keep a reference to it
 * @throws CommandError if another service holds the lock or the folder is not usable
 */
export function lockDataFolderForService({ dataDir }: Pick<Config, "dataDir">): () => void {
  try {
    return lockDataFolder(dataDir);
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === "SQLITE_BUSY"
      ? new CommandError(
          `Another service uses the data folder ${dataDir}. Stop it, or set DATA_DIR to another folder.`,
        )
      : dataFolderError({ dataDir }, error);
  }
}
