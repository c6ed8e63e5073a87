import type { Connections } from "./connections.ts";

/** `Host` (RFC 9110, 7.2): a name, an IPv4 address or an IPv6 address in brackets, and perhaps a port. */
const hostForm = /^(?:[a-z0-9_.-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/i;

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
    const url = hostForm.test(host) ? URL.parse(`${isTls ? "https" : "http"}://${host}`) : null;
    if (!url) return this.forMails;
    this.#latest = { host, isTls, url: url.origin };
    return url.origin;
  }
}
