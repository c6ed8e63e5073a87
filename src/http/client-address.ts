import { isIP } from "node:net";

/**
 * The address a request came from, in canonical form, IPv4 also where the socket shows it mapped into IPv6.
 * Every proxy appends to `X-Forwarded-For` whom it was called by, so with `trustedProxies` proxies in front the entry
 * at that place from the right was written by the outermost of them; what stands further left is anybody's claim.
 * Where an entry is missing or no address, the nearest one to its right counts.
 * @param socketAddress the peer of the connection; undefined when it has gone
 * @param forwardedFor all `X-Forwarded-For` headers, joined by commas
 * @returns an IP address, or `unknown`
 */
export function clientAddress(
  socketAddress: string | undefined,
  forwardedFor: string | null,
  trustedProxies: number,
): string {
  let nearest = canonicalAddress(socketAddress ?? "") ?? "unknown";
  const entries = trustedProxies > 0 && forwardedFor ? forwardedFor.split(",").slice(-trustedProxies) : [];
  for (const entry of entries.reverse()) {
    const address = canonicalAddress(withoutPort(entry.trim()));
    if (address === undefined) break;
    nearest = address;
  }
  return nearest;
}

/**
 * What one client can hardly have many of: an IPv4 address, or the first 64 bits of an IPv6 address, within which
 * every device picks addresses as it likes (RFC 4291, 2.5.1).
 */
export function clientNetwork(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head = "", tail = ""] = address.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === "" ? [] : tail.split(":");
  const zeros = address.includes("::") ? 8 - left.length - right.length : 0;
  return `${[...left, ...Array<string>(zeros).fill("0"), ...right].slice(0, 4).join(":")}::/64`;
}

function canonicalAddress(text: string): string | undefined {
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

/** Some proxies write `203.0.113.7:4711` or `[2001:db8::7]:4711`. */
const withoutPort = (entry: string): string =>
  /^\[([^\]]*)\](?::\d+)?$/.exec(entry)?.[1] ?? /^([\d.]+):\d+$/.exec(entry)?.[1] ?? entry;
