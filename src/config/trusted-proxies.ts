import { BlockList, isIP } from "node:net";

/** The proxies that are trusted to report the client's address: the number in front of the service, or their networks. */
export type TrustedProxies = number | BlockList;

/**
 * Parses networks in CIDR notation (RFC 4632; RFC 4291, 2.3) and single addresses, separated by commas.
 * @returns undefined if any entry is neither
 */
export function parseNetworks(text: string): BlockList | undefined {
  const networks = new BlockList();
  for (const entry of text.split(",")) {
    const [, written = "", prefix] = /^([0-9a-f.:]+)(?:\/(\d{1,3}))?$/i.exec(entry.trim()) ?? [];
    const address = canonicalAddress(written);
    if (address === undefined) return undefined;
    const bits = isIP(address) === 6 ? 128 : 32;
    // In an IPv4-mapped IPv6 address, the prefix length includes the 96 bits before the IPv4 address.
    const mappedBits = isIP(written) === 6 && bits === 32 ? 96 : 0;
    const length = prefix === undefined ? bits : Number(prefix) - mappedBits;
    if (length < 0 || length > bits) return undefined;
    networks.addSubnet(address, length, bits === 128 ? "ipv6" : "ipv4");
  }
  return networks;
}

/**
 * Returns an IP address in canonical form (RFC 5952) without its zone. An IPv4-mapped IPv6 address becomes an IPv4 address.
 * @returns undefined if the text is not an IP address
 */
export function canonicalAddress(text: string): string | undefined {
  const address = text.replace(/%.*$/, "");
  const version = isIP(address);
  if (version !== 6) return version === 4 ? address : undefined;
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(canonical);
  if (!mapped) return canonical;
  return mapped
    .slice(1)
    .map((half) => Number.parseInt(half, 16))
    .flatMap((half) => [half >> 8, half & 255])
    .join(".");
}
