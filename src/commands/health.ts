import { readConfig } from "../config.ts";
import { hostInAddress } from "../http/host-in-address.ts";
import { CommandError } from "./command.ts";

/** Milliseconds that the server has for its answer. */
const patience = 3000;

/**
 * Asks the running server whether it can work; for Docker and for people.
 * @throws CommandError when it cannot, or does not answer
 */
export async function health(): Promise<void> {
  const { host, port } = readConfig();
  const reachable = { "0.0.0.0": "127.0.0.1", "::": "::1" }[host] ?? host;
  const address = `http://${hostInAddress(reachable)}:${port}/health`;
  const answer = await fetch(address, { signal: AbortSignal.timeout(patience) }).catch(() => {
    throw new CommandError(`Nothing answers at ${address}.`);
  });
  if (!answer.ok) throw new CommandError(`The server answers ${answer.status}: ${await answer.text()}`);
  process.stdout.write("ok\n");
}
