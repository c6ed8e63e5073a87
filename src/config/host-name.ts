/**
 * The pattern of one label of a host name, for lower-case text. Beyond RFC 1123 it allows underscores, which Docker Compose
 * has in the names of services and Windows in those of machines.
 */
export const hostLabel = "(?!-)[a-z0-9_-]{1,63}(?<!-)";

const hostName = new RegExp(`^(?=.{1,253}\\.?$)(?:${hostLabel}\\.)*${hostLabel}\\.?$`);

/**
 * Whether the host of a URL is an IP address or a name that DNS allows, which URL parsers do not check.
 * @param hostname of a `URL`: in lower case, with an IPv6 address in brackets
 */
export const isValidHostname = (hostname: string): boolean =>
  hostname.startsWith("[") || hostName.test(hostname);

/**
 * Whether the host of a URL is this machine itself.
 * @param hostname of a `URL`, which writes every IPv4 address with four numbers
 */
export const isLoopback = (hostname: string): boolean =>
  /^(?:localhost\.?|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
