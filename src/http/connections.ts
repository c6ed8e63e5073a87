import type { Server } from "bun";

import type { TrustedProxies } from "../config/trusted-proxies.ts";
import { clientAddress, isTrustedProxy } from "./client-address.ts";

/** Seconds for which a client may send nothing in the middle of a body. */
export const silenceSeconds = 30;

/**
 * Timeouts that Bun enforces, in seconds. Its clock moves in steps of four seconds, so a timeout may fire up to four
 * seconds early.
 */
export const limits = {
  /** For an idle connection: at least 75, which is longer than proxies keep theirs. */
  idleSeconds: 80,
  /** For a client that pauses in the middle of a download, such as a paused player: at least two minutes. */
  pauseSeconds: 124,
} as const;

export type Limits = { readonly [name in keyof typeof limits]: number };

/**
 * The connections that requests arrive on: their addresses and timeouts. Elysia's own `server` is not used, because Elysia
 * provides it only to handlers whose source contains the word, which minification breaks.
 */
export class Connections {
  #server: Server<undefined> | undefined;
  #renewal: ReturnType<typeof setInterval> | undefined;
  /** Requests whose idle timeout is suspended. */
  readonly #suspended = new Set<Request>();
  #pauseSeconds: number = limits.pauseSeconds;

  /** @param trustedProxies see {@link clientAddress} */
  constructor(private readonly trustedProxies: TrustedProxies) {}

  /**
   * Sets the server that requests arrive at. Call {@link close} when it has stopped.
   * @param idleSeconds the server's `idleTimeout`
   */
  listen(server: Server<undefined>, { idleSeconds, pauseSeconds }: Limits = limits): void {
    this.#server = server;
    this.#pauseSeconds = pauseSeconds;
    // One timer for all requests, because most are finished long before it fires. A timeout of 0, which disables it, would
    // also apply to the response: a client that never reads it would hold the connection forever.
    const renew = () => {
      for (const request of this.#suspended) server.timeout(request, idleSeconds);
    };
    this.#renewal = setInterval(renew, (idleSeconds * 1000) / 3).unref();
  }

  /** Stops renewing timeouts. */
  close(): void {
    clearInterval(this.#renewal);
  }

  /**
   * Keeps the request's connection open until {@link resumeIdleTimeout}, however long that takes; Bun would close it after
   * `idleTimeout`. Code that waits for the client in between, such as a reader of a body, must limit that wait.
   */
  suspendIdleTimeout(request: Request): void {
    this.#suspended.add(request);
  }

  /** Must be called when the response is ready: the idle timeout applies again. */
  resumeIdleTimeout(request: Request): void {
    this.#suspended.delete(request);
  }

  /**
   * Lets the client pause while it reads the response, which the caller is about to return. Bun resets the timeout when it
   * starts to send a file, so this sets the longer one right after.
   */
  allowPauses(request: Request): void {
    setImmediate(() => this.#server?.timeout(request, this.#pauseSeconds));
  }

  /** Whether the request's connection is still open. False for requests that did not come from the server. */
  isOpen(request: Request): boolean {
    return !request.signal.aborted && Boolean(this.#server?.requestIP(request));
  }

  /** The client's IP address, or `unknown`. */
  addressOf(request: Request): string {
    const forwardedFor = request.headers.get("x-forwarded-for");
    return clientAddress(this.#server?.requestIP(request)?.address, forwardedFor, this.trustedProxies);
  }

  /** Whether the client uses TLS, as a trusted proxy reports in `X-Forwarded-Proto`. The first value is the client's. */
  isTlsAtProxy(request: Request): boolean {
    const protocol = request.headers.get("x-forwarded-proto");
    return (
      protocol !== null &&
      /^\s*https\s*(?:,|$)/i.test(protocol) &&
      isTrustedProxy(this.#server?.requestIP(request)?.address, this.trustedProxies)
    );
  }
}
