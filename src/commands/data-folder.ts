import type { Config } from "../config.ts";
import { lockDataFolder } from "../database/folder-lock.ts";
import { CommandError } from "./command.ts";
import { dataFolderError } from "./start-problems.ts";

/**
 * Takes the data folder for this process alone.
 * @returns lets go of it
 * @throws CommandError where a running service has it, or it cannot be used
 */
export function lockDataFolderForService({ dataDir }: Pick<Config, "dataDir">): () => void {
  try {
    return lockDataFolder(dataDir);
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === "SQLITE_BUSY"
      ? new CommandError(`A service works on the data folder ${dataDir}. Stop it, or set DATA_DIR.`)
      : dataFolderError({ dataDir }, error);
  }
}
