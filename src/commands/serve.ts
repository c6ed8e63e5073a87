import type { Server } from "bun";

import { createApp } from "../app.ts";
import { createHandler } from "../request-handler.ts";
import { limits } from "../http/connections.ts";
import { hostInAddress } from "../http/host-in-address.ts";
import { readConfig, type Config } from "../config/config.ts";
import { environmentFileWarnings } from "../config/environment-file.ts";
import { createLog, jsonLine, readableLine } from "../observability/log.ts";
import { createLogWriter, standardError } from "../observability/log-writer.ts";
import { serveMetrics } from "../observability/metrics-server.ts";
import { version } from "../version.ts";
import { openServices, type Services } from "../services.ts";
import { CommandError } from "./command-error.ts";
import { logVideoTools } from "./log-video-tools.ts";
import { lockDataFolderForService } from "./lock-data-folder.ts";
import { listenError, dataFolderError } from "./startup-errors.ts";
import { shutDownOnSignals } from "./graceful-shutdown.ts";

/** Effectively no limit, because Bun's own 413 has no body. The routes enforce the limits. */
const maxRequestBodySize = Number.MAX_SAFE_INTEGER;

/** Delay of background work, so that it slows down neither the start nor the first requests. */
const backgroundWorkDelayMs = 500;

/**
 * Starts the service, which runs until it receives a termination signal.
 * @throws CommandError with one sentence for the operator if the service cannot start
 */
export async function serve(): Promise<void> {
  const config = readConfig();
  const stoppable = shutDownOnSignals();
  const format = process.stderr.isTTY ? readableLine : jsonLine;
  const writer = createLogWriter(standardError(), (lines) => format("warn", "log.lines_dropped", { lines }));
  const log = createLog(config.logLevel, writer.write, format);
  // With PostgreSQL, any number of processes may share a data folder.
  const releaseLock = config.database ? () => {} : lockDataFolderForService(config);
  const opened = await openServices(config, log, (text) => process.stdout.write(text)).catch(
    (error: unknown) => {
      throw dataFolderError(config, error);
    },
  );
  let metricsServer: Server<undefined> | undefined;
  const services: Services = {
    ...opened,
    async close() {
      await opened.close().finally(releaseLock);
      await metricsServer?.stop(true);
      await writer.drain();
    },
  };
  let server: Server<undefined>;
  try {
    metricsServer = listenForMetrics(services);
    server = Bun.serve({
      hostname: config.host,
      port: config.port,
      // In development mode, the response to an uncaught error would contain source code and the working directory.
      development: false,
      // Otherwise Bun would share the port with another process, and each would get a part of the requests.
      reusePort: false,
      idleTimeout: limits.idleSeconds,
      maxRequestBodySize,
      fetch: createHandler(createApp(services), services),
    });
  } catch (error) {
    await services.close();
    throw error instanceof CommandError ? error : listenError(config, error);
  }
  services.connections.listen(server);
  services.metrics.watchEventLoop();
  services.metrics.watchLog(writer.dropped);
  const port = server.port ?? config.port;
  services.baseUrl.listen(port);
  services.nodeAddress.listen(port);
  if (config.database) announce(services);
  printStartup(config, port, metricsServer?.port, services);
  log.info("service.started", { version, port, metrics_port: metricsServer?.port });
  for (const warning of [...environmentFileWarnings(), ...warningsFor(config)])
    log.warn("configuration.warning", { warning });
  let stopSweeping = () => {};
  const stopWatchingSpace = services.space.start();
  const backgroundWorkTimer = setTimeout(() => {
    void logVideoTools(services, log);
    stopSweeping = services.sweeper.start();
    services.renditionRunner.start({ isOnlyProcess: !config.database });
  }, backgroundWorkDelayMs);
  stoppable(server, services, () => {
    clearTimeout(backgroundWorkTimer);
    services.uploadLeases.interruptAll();
    stopSweeping();
    // Not awaited, so that rendition jobs and the running requests end at the same time.
    void services.renditionRunner.stop();
    stopWatchingSpace();
    log.info("service.stopping");
  });
}

/** Tells the other nodes where this one is, which has unfinished uploads from before its start. */
function announce({ database, uploadFolder, nodeAddress, background }: Services): void {
  background.run("announce the address of this node", () =>
    database.resumableUploads.moveFolder(uploadFolder.id, nodeAddress.url),
  );
}

/**
 * Starts the server of the metrics, if METRICS_PORT is set.
 * @throws CommandError if the port cannot be used
 */
function listenForMetrics(services: Services): Server<undefined> | undefined {
  const { host, metricsPort: port, metrics } = services.config;
  if (port === undefined || metrics === "off") return undefined;
  try {
    return serveMetrics(services, port);
  } catch (error) {
    throw listenError({ host, port }, error, "METRICS_PORT");
  }
}

/** Yields warnings about settings that are likely mistakes, or that only work with a single machine. */
function* warningsFor({ warnings, publicUrl, database, jwtSecret, mediaStore }: Config): Generator<string> {
  yield* warnings;
  if (publicUrl === undefined)
    yield "PUBLIC_URL is not set: links in mails lead to this machine (localhost), and URLs in responses use the Host of the request.";
  if (!database) return;
  if (jwtSecret === undefined)
    yield "JWT_SECRET_KEY is not set: machines with separate data folders do not accept each other's tokens.";
  if (mediaStore === "disk")
    yield "Media are stored in this machine's DATA_DIR: other machines cannot deliver them unless they share that folder.";
}

/** Prints the service's addresses, and where it keeps its data. */
function printStartup(
  config: Config,
  port: number,
  metricsPort: number | undefined,
  { baseUrl, store }: Services,
): void {
  const where = baseUrl.forMails;
  const host = hostInAddress(config.host);
  process.stdout.write(
    [
      `image-sharing listens on http://${host}:${port}${metricsPort === undefined ? "" : `, metrics on http://${host}:${metricsPort}/metrics`}`,
      `  open   ${where}/ (docs: ${where}/docs)`,
      `  data   ${config.dataDir}${config.database ? `, PostgreSQL on ${new URL(config.database.url).host}` : ""}`,
      `  media  ${store.name === "disk" ? "local disk" : store.name}`,
      `  mail   ${config.mailUrl ? `by ${new URL(config.mailUrl).hostname}` : "printed here"}`,
      "",
    ].join("\n"),
  );
}
