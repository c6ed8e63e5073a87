import { readConfig } from "../config/config.ts";
import { hostInAddress } from "../http/host-in-address.ts";
import { CommandError } from "./command-error.ts";

const timeoutMs = 3000;

/**
 * Checks the health of the running service, for Docker and for operators. Bypasses proxies of the environment
 * (`HTTP_PROXY`).
 * @throws CommandError if the service is not healthy or does not answer
 */
export async function health(): Promise<void> {
  const { host, port } = readConfig();
  if (port === 0)
    throw new CommandError("PORT is 0: set it to the port that the service printed when it started.");
  const reachable = { "0.0.0.0": "127.0.0.1", "::": "::1" }[host] ?? host;
  const address = `http://${hostInAddress(reachable)}:${port}/health`;
  const signal = AbortSignal.timeout(timeoutMs);
  const response = await fetch(address, { signal, proxy: false }).catch(() => {
    throw new CommandError(
      `Nothing answers at ${address}. Start the service or, if it listens on another port, set PORT to that.`,
    );
  });
  if (!response.ok) throw new CommandError(`The server answers ${response.status}: ${await response.text()}`);
  process.stdout.write("ok\n");
}
