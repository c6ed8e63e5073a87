import { readConfig } from "../config.ts";
import { hostInAddress } from "../http/host-in-address.ts";
import { CommandError } from "./command.ts";

/** Milliseconds that the server has for its answer. */
const patience = 3000;

/**
 * Asks the running server whether it can work; for Docker and for people. Proxies that the environment names
 * (`HTTP_PROXY`) are for requests to other machines and are not used.
 * @throws CommandError when it cannot, or does not answer
 */
export async function health(): Promise<void> {
  const { host, port } = readConfig();
  if (port === 0)
    throw new CommandError("PORT is 0: set it to the port that the service printed when it started.");
  const reachable = { "0.0.0.0": "127.0.0.1", "::": "::1" }[host] ?? host;
  const address = `http://${hostInAddress(reachable)}:${port}/health`;
  const signal = AbortSignal.timeout(patience);
  const answer = await fetch(address, { signal, proxy: false }).catch(() => {
    throw new CommandError(`Nothing answers at ${address}.`);
  });
  if (!answer.ok) throw new CommandError(`The server answers ${answer.status}: ${await answer.text()}`);
  process.stdout.write("ok\n");
}
