import type { Connections } from "./connections.ts";
import { isValidHostname } from "../config/host-name.ts";

/**
 * `Host` (RFC 9110, 7.2) in lower case: a name or an IPv4 address, which is captured, or an IPv6 address in brackets, and an
 * optional port other than 0.
 */
const hostForm = /^(?:([a-z0-9_.-]+)|\[[0-9a-f:.]{2,45}\])(?::0{0,4}[1-9]\d{0,4})?$/;

/**
 * The beginning of the absolute addresses in responses and mails, without a slash at the end: `PUBLIC_URL`. Where that is
 * not set, responses follow the host that their request names, so that a phone on the same network gets addresses it can
 * open. Mails never do: anybody could have a link to a host of theirs mailed to somebody else.
 */
export class BaseUrl {
  #port: number;
  /** The host asked for last, and its address. Most requests ask for the same one. */
  #latest: { host: string; isTls: boolean; url: string } | undefined;

  constructor(
    private readonly settings: { readonly publicUrl: string | undefined; readonly port: number },
    private readonly connections: Pick<Connections, "isTlsAtProxy">,
  ) {
    this.#port = settings.port;
  }

  /** The port that the service listens on, where the system has chosen it. */
  listen(port: number): void {
    this.#port = port;
  }

  /** For mails, and for requests that name no host. */
  get forMails(): string {
    return this.settings.publicUrl ?? `http://localhost:${this.#port}`;
  }

  /** For the response to a request. */
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
}

/** @returns undefined for a host that is not valid */
function originOf(scheme: string, host: string): string | undefined {
  const [found, name] = hostForm.exec(host.toLowerCase()) ?? [];
  const url = found === undefined ? null : URL.parse(`${scheme}://${found}`);
  if (!url || !isValidHostname(url.hostname)) return undefined;
  // The parser takes `1` and `0x7f.1` for IPv4 addresses.
  return name === undefined || url.hostname === name ? url.origin : undefined;
}
