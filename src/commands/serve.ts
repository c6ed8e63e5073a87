import { createApp } from "../app.ts";
import { createHandler } from "../http/handler.ts";
import { ConfigError, readConfig, type Config } from "../config.ts";
import { batchedWriter, createLog, jsonLine, readableLine } from "../operation/log.ts";
import { openServices } from "../services.ts";
import { stopWhenTold } from "./stop.ts";

/** Largest body Bun lets through: above every limit of ours, so that the answer is our own 413. */
const beyondEveryLimit = Number.MAX_SAFE_INTEGER;

/** Seconds a connection may be silent. */
const idleTimeout = 30;

/**
 * Runs the service until it is told to stop.
 * @throws StartError with one plain sentence where it cannot start
 */
export async function serve(): Promise<void> {
  const config = readConfig();
  const log = createLog(config.logLevel, batchedWriter(2), process.stderr.isTTY ? readableLine : jsonLine);
  const services = await openServices(config, log, (text) => process.stdout.write(text)).catch(
    (error: unknown) => {
      throw cannotUse(config, error);
    },
  );
  const app = createApp(services);
  const handler = createHandler(app, services);
  try {
    app.server = Bun.serve({
      hostname: config.host,
      port: config.port,
      // Without it an uncaught error would show its source and our folder.
      development: false,
      idleTimeout,
      maxRequestBodySize: beyondEveryLimit,
      fetch: handler,
    });
  } catch (error) {
    await services.close();
    throw cannotListen(config, error);
  }
  greet(config, services.store.name);
  const stopSweeping = services.sweeper.start();
  stopWhenTold(app.server, services, () => {
    stopSweeping();
    log.info("service.stopping");
  });
}

/** Why the service cannot start: one plain sentence, exit status 1, no stack. */
export class StartError extends Error {
  override readonly name = "StartError";
}

export const isStartProblem = (error: unknown): error is Error =>
  error instanceof StartError || error instanceof ConfigError;

function cannotUse({ dataDir }: Config, error: unknown): Error {
  const { code, message } = error as NodeJS.ErrnoException;
  if (
    code === "EACCES" ||
    code === "EPERM" ||
    code === "EROFS" ||
    code === "SQLITE_CANTOPEN" ||
    code === "SQLITE_READONLY"
  )
    return new StartError(`The data folder ${dataDir} cannot be written. Set DATA_DIR to a folder that can.`);
  if (code === "EEXIST" || code === "ENOTDIR")
    return new StartError(`The data folder ${dataDir} is not a folder. Set DATA_DIR to another place.`);
  if (code === "SQLITE_NOTADB" || code === "SQLITE_CORRUPT")
    return new StartError(
      `The database ${dataDir}/image-sharing.db is damaged or no SQLite database. Restore a backup.`,
    );
  if (code?.startsWith("SQLITE_"))
    return new StartError(`The database ${dataDir}/image-sharing.db cannot be used (${code}).`);
  return new StartError(`The data folder ${dataDir} cannot be used: ${message}.`);
}

function cannotListen({ host, port }: Config, error: unknown): Error {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "EADDRINUSE")
    return new StartError(
      `Port ${port} on ${host} is taken by another program. Stop it, or set PORT to a free one.`,
    );
  if (code === "EACCES")
    return new StartError(`Port ${port} may not be used by this user. Set PORT to 1024 or higher.`);
  return new StartError(`Cannot listen on ${host}:${port} (HOST, PORT): ${message}.`);
}

function greet(config: Config, store: string): void {
  const where = config.publicUrl;
  process.stdout.write(
    [
      `image-sharing listens on http://${config.host}:${config.port}`,
      `  open   ${where}/ (docs: ${where}/docs)`,
      `  data   ${config.dataDir}`,
      `  media  ${store === "disk" ? "local disk" : store}`,
      `  mail   printed here`,
      "",
    ].join("\n"),
  );
}
