import type { Server } from "bun";

import { createApp } from "../app.ts";
import { createHandlers } from "../http/handler.ts";
import { silenceSeconds } from "../http/connections.ts";
import { hostInAddress } from "../http/host-in-address.ts";
import { readConfig, type Config } from "../config.ts";
import { batchedWriter, createLog, jsonLine, readableLine } from "../operation/log.ts";
import { openServices } from "../services.ts";
import { takeDataFolder } from "./data-folder.ts";
import { cannotListen, cannotUse } from "./start-problems.ts";
import { stopWhenTold } from "./stop.ts";

/** Largest body Bun lets through: above every limit of ours, so that the answer is our own 413. */
const beyondEveryLimit = Number.MAX_SAFE_INTEGER;

/** Milliseconds after which the start is over. */
const startTime = 500;

/**
 * Runs the service until it is told to stop.
 * @throws CommandError with one plain sentence where it cannot start
 */
export async function serve(): Promise<void> {
  const config = readConfig();
  const stoppable = stopWhenTold();
  const log = createLog(config.logLevel, batchedWriter(2), process.stderr.isTTY ? readableLine : jsonLine);
  // With a server for a database any number of services may share a folder.
  const letGo = config.database ? () => {} : takeDataFolder(config);
  const opened = await openServices(config, log, (text) => process.stdout.write(text)).catch(
    (error: unknown) => {
      throw cannotUse(config, error);
    },
  );
  const services = { ...opened, close: () => opened.close().finally(letGo) };
  const app = createApp(services);
  const { fetch, routes } = createHandlers(app, services);
  let server: Server<undefined>;
  try {
    server = Bun.serve({
      hostname: config.host,
      port: config.port,
      // Without it an uncaught error would show its source and our folder.
      development: false,
      // Beside `development: false` Bun would share the port with whoever else does: clients would meet either of two.
      reusePort: false,
      idleTimeout: silenceSeconds,
      maxRequestBodySize: beyondEveryLimit,
      fetch,
      routes,
    });
  } catch (error) {
    await services.close();
    throw cannotListen(config, error);
  }
  services.connections.listen(server);
  services.metrics.watchEventLoop();
  greet(config, services.store.name);
  for (const warning of warningsFor(config)) log.warn("configuration.doubtful", { warning });
  // Whoever waits for the service to be there comes first.
  let stopSweeping = () => {};
  const stopWatchingSpace = services.space.start();
  const begin = setTimeout(() => {
    Bun.unsafe.setJITPolicy(1);
    stopSweeping = services.sweeper.start();
  }, startTime);
  stoppable(server, services, () => {
    clearTimeout(begin);
    stopSweeping();
    stopWatchingSpace();
    log.info("service.stopping");
  });
}

/** What works on one machine and surprises on the second. */
function* warningsFor({ database, jwtSecret, mediaStore }: Config): Generator<string> {
  if (!database) return;
  if (jwtSecret === undefined)
    yield "JWT_SECRET_KEY is not set: machines with data folders of their own do not take each other's tokens.";
  if (mediaStore === "disk")
    yield "Media are kept in this machine's DATA_DIR: other machines cannot deliver them unless they share that folder.";
}

function greet(config: Config, store: string): void {
  const where = config.publicUrl;
  process.stdout.write(
    [
      `image-sharing listens on http://${hostInAddress(config.host)}:${config.port}`,
      `  open   ${where}/ (docs: ${where}/docs)`,
      `  data   ${config.dataDir}${config.database ? `, PostgreSQL on ${new URL(config.database.url).host}` : ""}`,
      `  media  ${store === "disk" ? "local disk" : store}`,
      `  mail   ${config.mailUrl ? `by ${new URL(config.mailUrl).hostname}` : "printed here"}`,
      "",
    ].join("\n"),
  );
}
