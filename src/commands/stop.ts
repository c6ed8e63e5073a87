import type { Server } from "bun";

import type { Services } from "../services.ts";
import { terminationSignals } from "./termination-signals.ts";

/** Milliseconds that running requests, uploads included, get to finish. */
const patience = 30_000;

/**
 * On SIGTERM, SIGINT or SIGHUP: nothing new is begun (503, and `/health` says so), what runs is finished, then everything
 * is closed and the process ends with status 0. A second signal ends it at once, except a SIGHUP: a terminal that closes
 * may send several. To be called first: told before there is anything to stop, the process ends at once with status 0,
 * also as a container's first, which signals do not end.
 * @returns tells what there is to stop
 */
export function shutDownOnSignals(): (
  server: Server<undefined>,
  services: Services,
  stopping: () => void,
) => void {
  let stop: (() => Promise<void>) | undefined;
  let told = false;
  for (const signal of terminationSignals())
    process.on(signal, () => {
      if (told && signal === "SIGHUP") return;
      if (told) process.exit(1);
      if (!stop) process.exit(0);
      told = true;
      stop().catch(() => process.exit(1));
    });

  return (server, services, stopping) => {
    stop = async () => {
      services.lifecycle.stopping = true;
      stopping();
      // The listener stays open meanwhile: whoever asks is told, by /health too.
      const limit = Date.now() + patience;
      while (server.pendingRequests > 0 && Date.now() < limit) await Bun.sleep(20);
      await server.stop(true);
      await services.close();
      process.exit(0);
    };
  };
}
