import type { Config } from "../config.ts";
import { CommandError } from "./command.ts";

/** Why the data folder or the database cannot be used. */
export function cannotUse({ dataDir }: Pick<Config, "dataDir">, error: unknown): Error {
  const { code, message } = error as NodeJS.ErrnoException;
  if (
    code === "EACCES" ||
    code === "EPERM" ||
    code === "EROFS" ||
    code === "SQLITE_CANTOPEN" ||
    code === "SQLITE_READONLY"
  )
    return new CommandError(
      `The data folder ${dataDir} cannot be written. Set DATA_DIR to a folder that can.`,
    );
  if (code === "EEXIST" || code === "ENOTDIR")
    return new CommandError(`The data folder ${dataDir} is not a folder. Set DATA_DIR to another place.`);
  if (code === "SQLITE_NOTADB" || code === "SQLITE_CORRUPT")
    return new CommandError(
      `The database ${dataDir}/image-sharing.db is damaged or no SQLite database. Restore a backup.`,
    );
  if (code?.startsWith("SQLITE_"))
    return new CommandError(`The database ${dataDir}/image-sharing.db cannot be used (${code}).`);
  return new CommandError(`The data folder ${dataDir} cannot be used: ${message}.`);
}

/** Why nothing can be served at the address. */
export function cannotListen({ host, port }: Config, error: unknown): Error {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "EADDRINUSE")
    return new CommandError(
      `Port ${port} on ${host} is taken by another program. Stop it, or set PORT to a free one.`,
    );
  if (code === "EACCES")
    return new CommandError(`Port ${port} may not be used by this user. Set PORT to 1024 or higher.`);
  return new CommandError(`Cannot listen on ${host}:${port} (HOST, PORT): ${message}.`);
}
