import type { Server } from "bun";

import { clientAddress } from "./client-address.ts";

/**
 * What the server knows of the connections that requests come by. Elysia hands out its `server` only to functions in
 * whose source it finds the word, and overlooks some once the program is minified.
 */
export class Connections {
  #server: Server<undefined> | undefined;

  /** @param trustedProxies see {@link clientAddress} */
  constructor(private readonly trustedProxies: number) {}

  /** From now on requests come in by this server. */
  listen(server: Server<undefined>): void {
    this.#server = server;
  }

  /** The address of the client that a request comes from, or `unknown`. */
  addressOf(request: Request): string {
    const forwardedFor = request.headers.get("x-forwarded-for");
    return clientAddress(this.#server?.requestIP(request)?.address, forwardedFor, this.trustedProxies);
  }

  /** Cuts the connection of a request when nothing comes for this many seconds from now. */
  limitSilence(request: Request, seconds: number): void {
    this.#server?.timeout(request, seconds);
  }
}
