import type { Server } from "bun";

import type { Services } from "../services.ts";
import { terminationSignals } from "./termination-signals.ts";

/** How long running requests, including uploads, may take to finish. */
const gracePeriodMs = 30_000;

/**
 * How long further SIGINTs count as the same press of Ctrl-C. `bun start` forwards the signal that the terminal has sent
 * to the service as well, and npx does so once more.
 */
const keyPressMs = 1000;

/**
 * Installs handlers for SIGTERM, SIGINT and SIGHUP that shut the service down gracefully: new requests get 503 (also from
 * `/health`), running ones finish, then the process exits with status 0. A second signal exits at once, except for those
 * that repeat the first by themselves: SIGHUP, which a closing terminal may send several times, and one press of Ctrl-C.
 *
 * Call this first. A signal during startup exits at once with status 0, even in a container, where the kernel does not
 * apply default signal actions to process 1.
 * @returns a function that sets what to shut down; `stopping` is called when the shutdown begins
 */
export function shutDownOnSignals(): (
  server: Server<undefined>,
  services: Services,
  stopping: () => void,
) => void {
  let stop: (() => Promise<void>) | undefined;
  let isStopping = false;
  let interruptedAt = Number.NEGATIVE_INFINITY;
  for (const signal of terminationSignals())
    process.on(signal, () => {
      const isSameKeyPress = signal === "SIGINT" && performance.now() - interruptedAt < keyPressMs;
      if (isStopping && (signal === "SIGHUP" || isSameKeyPress)) return;
      if (signal === "SIGINT") interruptedAt = performance.now();
      if (isStopping) process.exit(1);
      if (!stop) process.exit(0);
      isStopping = true;
      stop().catch(() => process.exit(1));
    });

  return (server, services, stopping) => {
    stop = async () => {
      services.lifecycle.stopping = true;
      stopping();
      // The listener stays open until then, so that clients and health checks get an answer.
      const deadline = Date.now() + gracePeriodMs;
      while (server.pendingRequests > 0 && Date.now() < deadline) await Bun.sleep(20);
      await server.stop(true);
      await services.close();
      process.exit(0);
    };
  };
}
