import type { Config } from "../config.ts";
import { CommandError } from "./command.ts";

/** Why the data folder or the database cannot be used. */
export function cannotUse(
  { dataDir, database }: Pick<Config, "dataDir"> & { database?: Config["database"] },
  error: unknown,
): Error {
  const { code, message } = error as NodeJS.ErrnoException;
  if (database && code?.startsWith("ERR_POSTGRES_")) return cannotUsePostgres(database.url, error);
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

/** Says which part of the address is wrong, and nothing that may be its password. */
function cannotUsePostgres(url: string, error: unknown): CommandError {
  const { host, hostname, pathname, port } = new URL(url);
  const { code, errno } = error as { code: string; errno?: unknown };
  const name = decodeURIComponent(pathname.slice(1));
  const why = new Map([
    ["28000", "refuses this user"],
    ["28P01", "refuses this user or password"],
    ["3D000", `has no database "${name}"`],
    ["42501", "does not let this user make or change tables"],
    ["53300", "takes no more connections"],
    ["57P03", "is starting or stopping"],
  ]).get(String(errno));
  if (why) return new CommandError(`The PostgreSQL server on ${host} ${why}. Look at DATABASE_URL.`);
  if (/TLS|CERT|SIGNED|ALTNAME|ISSUER/i.test(code))
    return new CommandError(
      `The PostgreSQL server on ${host} offers no TLS that can be trusted (${code}). Look at sslmode and sslrootcert in DATABASE_URL.`,
    );
  if (/^ERR_POSTGRES_CONNECTION_/.test(code))
    return new CommandError(
      `No PostgreSQL server can be reached on ${hostname}:${port || 5432}. Start it, or correct DATABASE_URL.`,
    );
  return new CommandError(`The PostgreSQL database on ${host} cannot be used (${errno ?? code}).`);
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
