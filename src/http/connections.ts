import type { Server } from "bun";

import type { TrustedProxies } from "../config/trusted-proxies.ts";
import { clientAddress, isTrustedProxy } from "./client-address.ts";

/** Seconds for which a client may be silent in the middle of a body. */
export const silenceSeconds = 30;

/** Time limits that Bun keeps, in seconds. Its clock moves in steps of four seconds, and may be one of them early. */
export const limits = {
  /** Of a connection on which nothing happens: 75 at least, longer than proxies keep theirs. */
  idleSeconds: 80,
  /** Of a client that pauses in the middle of a download, such as a paused player: two minutes at least. */
  pauseSeconds: 124,
} as const;

export type Limits = { readonly [name in keyof typeof limits]: number };

/**
 * What the server knows of the connections that requests come by. Elysia hands out its `server` only to functions in
 * whose source it finds the word, and overlooks some once the program is minified.
 */
export class Connections {
  #server: Server<undefined> | undefined;
  readonly #working = new Set<Request>();
  #pauseSeconds: number = limits.pauseSeconds;

  /** @param trustedProxies see {@link clientAddress} */
  constructor(private readonly trustedProxies: TrustedProxies) {}

  /**
   * From now on requests come in by this server.
   * @param idleSeconds the server's `idleTimeout`
   */
  listen(server: Server<undefined>, { idleSeconds, pauseSeconds }: Limits = limits): void {
    this.#server = server;
    this.#pauseSeconds = pauseSeconds;
    // One timer for all, because most requests are answered long before it is due. Never 0, which means no time-out: that
    // would outlive the answer, and a client that does not read it would hold the connection for ever.
    const renew = () => {
      for (const request of this.#working) server.timeout(request, idleSeconds);
    };
    setInterval(renew, (idleSeconds * 1000) / 3).unref();
  }

  /**
   * The service works on this request until {@link answered}. Its connection stays open, however long that takes: Bun would
   * close it after `idleTimeout`. Code that waits for the client meanwhile, as all that reads a body does, has to limit
   * that wait itself.
   */
  working(request: Request): void {
    this.#working.add(request);
  }

  /** The answer is ready. From now on the client has to read it in time. */
  answered(request: Request): void {
    this.#working.delete(request);
  }

  /**
   * The client of this request may pause while it reads the response, which is about to be returned. Bun sets the limit of
   * an idle connection when it begins to send a file, so this one is set right after that.
   */
  allowPauses(request: Request): void {
    setImmediate(() => this.#server?.timeout(request, this.#pauseSeconds));
  }

  /** Whether a request came over a connection that its client has not closed. */
  isOpen(request: Request): boolean {
    return !request.signal.aborted && Boolean(this.#server?.requestIP(request));
  }

  /** The address of the client that a request comes from, or `unknown`. */
  addressOf(request: Request): string {
    const forwardedFor = request.headers.get("x-forwarded-for");
    return clientAddress(this.#server?.requestIP(request)?.address, forwardedFor, this.trustedProxies);
  }

  /** Whether the client speaks TLS, as a trusted proxy says in `X-Forwarded-Proto`. The first of several saw the client. */
  isTlsAtProxy(request: Request): boolean {
    const protocol = request.headers.get("x-forwarded-proto");
    return (
      protocol !== null &&
      /^\s*https\s*(?:,|$)/i.test(protocol) &&
      isTrustedProxy(this.#server?.requestIP(request)?.address, this.trustedProxies)
    );
  }
}
