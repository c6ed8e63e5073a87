import type { Connections } from "./connections.ts";
import { isValidHostname } from "../config/host-name.ts";

/**
 * A `Host` header (RFC 9110, 7.2) in lower case: a name or an IPv4 address, which is captured, or an IPv6 address in
 * brackets, followed by an optional port other than 0.
 */
const hostPattern = /^(?:([a-z0-9_.-]+)|\[[0-9a-f:.]{2,45}\])(?::0{0,4}[1-9]\d{0,4})?$/;

/**
 * The base of the absolute URLs in responses and mails, without a trailing slash: `PUBLIC_URL`. If that is not set, a
 * response uses the `Host` of its request, so that a phone on the same network gets URLs that it can open. Mails never
 * use it, because an attacker could have a link to their own host mailed to another user.
 */
export class BaseUrl {
  #port: number;
  /** The result for the latest host. Most requests name the same one. */
  #latest: { host: string; isTls: boolean; url: string } | undefined;

  constructor(
    private readonly settings: { readonly publicUrl: string | undefined; readonly port: number },
    private readonly connections: Pick<Connections, "isTlsAtProxy">,
  ) {
    this.#port = settings.port;
  }

  /** Sets the port that the service listens on, which the system chose if `PORT` is 0. */
  listen(port: number): void {
    this.#port = port;
  }

  /** The base URL for mails, and for requests without a valid `Host`. */
  get forMails(): string {
    return this.settings.publicUrl ?? `http://localhost:${this.#port}`;
  }

  /** The base URL for the response to a request. */
  of(request: Request): string {
    if (this.settings.publicUrl !== undefined) return this.settings.publicUrl;
    const host = request.headers.get("host") ?? "";
    const isTls = this.connections.isTlsAtProxy(request);
    if (this.#latest?.host === host && this.#latest.isTls === isTls) return this.#latest.url;
    const origin = originOf(isTls ? "https" : "http", host);
    if (origin === undefined) return this.forMails;
    this.#latest = { host, isTls, url: origin };
    return origin;
  }

  /**
   * Whether an `Origin` header names the service itself: `PUBLIC_URL`, or where that is not set, the host of the request.
   * Only the host counts then, because the service may not know of a proxy that adds TLS.
   */
  hasOrigin(request: Request, origin: string): boolean {
    const { publicUrl } = this.settings;
    if (publicUrl !== undefined) return origin === new URL(publicUrl).origin;
    const scheme = origin.startsWith("https:") ? "https" : "http";
    return origin === (originOf(scheme, request.headers.get("host") ?? "") ?? this.forMails);
  }
}

/** @returns undefined for an invalid host */
function originOf(scheme: string, host: string): string | undefined {
  const [matched, name] = hostPattern.exec(host.toLowerCase()) ?? [];
  const url = matched === undefined ? null : URL.parse(`${scheme}://${matched}`);
  if (!url || !isValidHostname(url.hostname)) return undefined;
  // The URL parser reads `1` and `0x7f.1` as IPv4 addresses.
  return name === undefined || url.hostname === name ? url.origin : undefined;
}
