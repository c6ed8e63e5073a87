import { isIPv6 } from "node:net";

/** Formats a host for a URL: IPv6 addresses in brackets (RFC 3986, 3.2.2). */
export const hostInAddress = (host: string): string => (isIPv6(host) ? `[${host}]` : host);
