import { networkInterfaces } from "node:os";

import { hostInAddress } from "./host-in-address.ts";

/** The address at which the other nodes of a service reach this one. */
export class NodeAddress {
  #port: number;

  /** @param settings `nodeUrl` is `NODE_URL`, without which the address is that of the machine's first network */
  constructor(
    private readonly settings: {
      readonly nodeUrl: string | undefined;
      readonly host: string;
      readonly port: number;
    },
  ) {
    this.#port = settings.port;
  }

  /** Sets the port that the service listens on, which the system chose if `PORT` is 0. */
  listen(port: number): void {
    this.#port = port;
  }

  get url(): string {
    const { nodeUrl, host } = this.settings;
    if (nodeUrl !== undefined) return nodeUrl;
    const listensEverywhere = host === "0.0.0.0" || host === "::";
    return `http://${hostInAddress(listensEverywhere ? firstAddress() : host)}:${this.#port}`;
  }
}

/** The first IPv4 address of this machine that others can reach; that of the machine itself if there is none. */
function firstAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.find(({ internal, family }) => !internal && family === "IPv4")?.address ?? "127.0.0.1";
}
