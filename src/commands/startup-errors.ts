import { join } from "node:path";

import type { Config } from "../config/config.ts";
import { databaseFile } from "../data-dir.ts";
import { NewerDatabase, UnsupportedDatabase, untrustedServer } from "../database/failures.ts";
import { UnsupportedSource } from "../database/sqlite-migrations.ts";
import { TemporaryFilesError } from "../database/temporary-database.ts";
import { connectionParameterNames } from "../database/postgres.ts";
import { hostInAddress } from "../http/host-in-address.ts";
import { CommandError } from "./command-error.ts";

/** Explains an error from the data folder or the database. */
export function dataFolderError(
  { dataDir, database }: Pick<Config, "dataDir"> & { database?: Config["database"] },
  error: unknown,
): Error {
  return database && isPostgresError(error)
    ? postgresError(database.url, error)
    : new CommandError(dataFolderProblem(dataDir, error));
}

/**
 * Whether an error came from PostgreSQL or its connection. System errors have codes without an underscore, like EACCES.
 */
export const isPostgresError = (error: unknown): boolean =>
  error instanceof UnsupportedDatabase ||
  (error instanceof NewerDatabase
    ? error.dialect === "pg"
    : /^(?!SQLITE).+_/.test(String((error as { code?: unknown }).code)));

const temporaryFiles =
  "SQLite's temporary files, which are in /var/tmp unless SQLITE_TMPDIR or TMPDIR names another folder";

function dataFolderProblem(dataDir: string, error: unknown): string {
  const { code, message, path } = error as NodeJS.ErrnoException;
  const database = join(dataDir, databaseFile);
  if (error instanceof NewerDatabase)
    return `The database ${database} was written by a newer version of this program. Start that version, or restore a backup.`;
  if (error instanceof UnsupportedSource) return `The database ${database} is ${error.message}.`;
  if (error instanceof TemporaryFilesError)
    return error.isFull
      ? `There is no space left for ${temporaryFiles}. Make room, and repeat the command.`
      : "SQLite cannot create temporary files. Set SQLITE_TMPDIR to a folder that can be written.";
  switch (code) {
    case "EACCES":
    case "EPERM":
    case "EROFS":
    case "SQLITE_CANTOPEN":
    case "SQLITE_READONLY":
      return path !== undefined && path.startsWith(dataDir) && path !== dataDir
        ? `${path} may not be read and written (${code}). Let this user do so, or set DATA_DIR to another folder.`
        : `The data folder ${dataDir} cannot be written. Set DATA_DIR to a folder that can.`;
    case "ENOENT":
      return path !== undefined && path.startsWith(dataDir) && path !== dataDir
        ? `${path} does not exist.`
        : `The data folder ${dataDir} does not exist and cannot be created. Set DATA_DIR to another folder.`;
    case "EEXIST":
    case "ENOTDIR":
      return path !== undefined && path.startsWith(dataDir) && path !== dataDir
        ? `${path} is not a folder.`
        : `The data folder ${dataDir} is not a folder. Set DATA_DIR to another place.`;
    case "SQLITE_FULL":
      return `There is no space left for the data folder ${dataDir}, or for ${temporaryFiles}.`;
    case "ENOSPC":
    case "EDQUOT":
    // SQLite's code when the index of the write-ahead log cannot grow.
    case "SQLITE_IOERR_SHMSIZE":
      return `There is no space left for the data folder ${dataDir}.`;
    case "SQLITE_BUSY":
      return `Another program has locked the database ${database}. Stop it, or wait until it has finished.`;
    case "SQLITE_NOTADB":
    case "SQLITE_CORRUPT":
      return `The database ${database} is damaged or not a SQLite database. Restore a backup.`;
  }
  if (code?.startsWith("SQLITE_")) return `The database ${database} cannot be used (${code}: ${message}).`;
  return `The data folder ${dataDir} cannot be used: ${message}.`;
}

/**
 * Explains a PostgreSQL error without repeating anything that may be the password.
 * @param setting name of the setting or argument that contains the URL
 */
export function postgresError(url: string, error: unknown, setting = "DATABASE_URL"): Error {
  return new CommandError(postgresProblem(url, error, setting));
}

function postgresProblem(url: string, error: unknown, setting: string): string {
  const { host, hostname, pathname, port } = new URL(url);
  const { code = "", errno } = error as { code?: string; errno?: unknown };
  const name = decodeURIComponent(pathname.slice(1));
  if (error instanceof NewerDatabase)
    return `The database "${name}" on ${host} was written by a newer version of this program. Start that version.`;
  if (error instanceof UnsupportedDatabase) return `The database "${name}" on ${host} ${error.message}`;
  const parameter = parameterProblem(host, String((error as Error).message), setting);
  if (parameter) return parameter;
  const reason =
    new Map([
      ["28000", "refuses this user"],
      ["28P01", "refuses this user or password"],
      ["3D000", `has no database "${name}"`],
      ["3F000", "has no schema in which tables can be created (search_path)"],
      ["42501", "does not let this user create or change tables"],
      ["53300", "takes no more connections"],
      ["57P01", "is stopping, or has ended the connection"],
      ["57P03", "is starting or stopping"],
    ]).get(String(errno)) ?? pgBouncerProblem(name, String((error as Error).message));
  if (reason) return `The PostgreSQL server on ${host} ${reason}. Check ${setting}.`;
  if (untrustedServer.test(code))
    return `The PostgreSQL server on ${host} offers no TLS that can be trusted (${code}). Check sslmode and sslrootcert in ${setting}.`;
  if (/^ERR_POSTGRES_CONNECTION_/.test(code))
    return `No PostgreSQL server can be reached on ${hostname}:${port || 5432}. Start it, or correct ${setting}.`;
  return `The PostgreSQL database on ${host} cannot be used (${errno ?? code}).`;
}

/**
 * Explains why a connection parameter was rejected; undefined if that is not the problem. Of the server's message only the
 * parameter's name is repeated, because the message may contain the value.
 */
function parameterProblem(host: string, message: string, setting: string): string | undefined {
  const [, unsupported] = /^unsupported startup parameter(?: in options)?: ([\w.]{1,63})/.exec(message) ?? [];
  if (unsupported && connectionParameterNames.includes(unsupported))
    return `PgBouncer on ${host} does not accept ${unsupported}. Set its ignore_startup_parameters to ${connectionParameterNames.join(",")}.`;
  const [, refused = unsupported] = /\bparameter "([\w.]{1,63})"/.exec(message) ?? [];
  if (refused)
    return `The PostgreSQL server on ${host} rejects the parameter ${refused}. Correct it in ${setting}, or allow it on the server.`;
  return undefined;
}

/** PgBouncer uses one code (08P01) for most failures, so only the message distinguishes them. */
function pgBouncerProblem(name: string, message: string): string | undefined {
  const failures: [pattern: RegExp, reason: string][] = [
    [/^no such database/, `has no database "${name}"`],
    [/^no such user|authentication failed|^auth/, "refuses this user or password"],
    [/max_client_conn/, "takes no more connections (max_client_conn of PgBouncer)"],
    [
      /^(?:query_wait_timeout|client_login_timeout)/,
      "has no connection free behind PgBouncer (query_wait_timeout)",
    ],
    [/^(?:server login|pgbouncer cannot connect)/, "cannot be reached by PgBouncer"],
  ];
  return failures.find(([pattern]) => pattern.test(message))?.[1];
}

/**
 * Explains why the server cannot listen on the address.
 * @param setting name of the setting that contains the port
 */
export function listenError(
  { host, port }: Pick<Config, "host" | "port">,
  error: unknown,
  setting = "PORT",
): Error {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "EADDRINUSE")
    return new CommandError(
      `Port ${port} on ${host} is taken by another program. Stop it, or set ${setting} to a free one.`,
    );
  if (code === "EACCES")
    return new CommandError(`Port ${port} may not be used by this user. Set ${setting} to 1024 or higher.`);
  // For names and addresses that this machine does not have, the runtime's message is misleading.
  return new CommandError(
    `Cannot listen on ${hostInAddress(host)}:${port}. Set HOST to an address of this machine.`,
  );
}
