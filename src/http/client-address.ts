import { isIP } from "node:net";

import { canonicalAddress, type TrustedProxies } from "../config/trusted-proxies.ts";

/**
 * Returns the address of a request's client in canonical form, with IPv4-mapped IPv6 addresses as IPv4.
 *
 * Every proxy appends the address of its peer to `X-Forwarded-For`. The header is therefore read from the right for as
 * long as the address found so far belongs to a trusted proxy: for a given number of entries, or while the address lies
 * in one of the given networks. The client can forge everything further left. If an entry is missing or invalid, the
 * last valid address counts.
 * @param socketAddress the peer of the connection; undefined if the connection is closed
 * @param forwardedFor all `X-Forwarded-For` headers, joined by commas
 * @returns an IP address, or `unknown`
 */
export function clientAddress(
  socketAddress: string | undefined,
  forwardedFor: string | null,
  trustedProxies: TrustedProxies,
): string {
  let nearest = canonicalAddress(socketAddress ?? "") ?? "unknown";
  const entries = forwardedFor?.split(",") ?? [];
  for (let hops = 0; isTrusted(nearest, hops, trustedProxies); hops++) {
    const address = canonicalAddress(withoutPort(entries.pop()?.trim() ?? ""));
    if (address === undefined) break;
    nearest = address;
  }
  return nearest;
}

/** Whether the peer of a connection is a trusted proxy. */
export const isTrustedProxy = (socketAddress: string | undefined, trusted: TrustedProxies): boolean =>
  isTrusted(canonicalAddress(socketAddress ?? "") ?? "unknown", 0, trusted);

function isTrusted(address: string, hops: number, trusted: TrustedProxies): boolean {
  if (typeof trusted === "number") return hops < trusted;
  const version = isIP(address);
  return version !== 0 && trusted.check(address, version === 6 ? "ipv6" : "ipv4");
}

/** A network whose clients share rate limits. */
export interface ClientNetwork {
  readonly name: string;
  /** All its clients together may use this many times a limit's points. */
  readonly shares: number;
}

/** Providers assign a /56 to a household and a /48 to a site (RFC 6177): usually one client, sometimes a few hundred. */
const ipv6Networks = [
  { prefix: 48, shares: 16 },
  { prefix: 56, shares: 4 },
  { prefix: 64, shares: 1 },
] as const;

/**
 * Returns the networks whose limits apply to a client, the largest first. An IPv4 address is a network of its own. An
 * IPv6 device chooses the last 64 bits of its address freely (RFC 4291, 2.5.1), and the owner of a /48 has 65,536
 * networks of that size.
 */
export function clientNetworks(address: string): readonly ClientNetwork[] {
  if (isIP(address) !== 6) return [{ name: address, shares: 1 }];
  const groups = groupsOf(address);
  return ipv6Networks.map(({ prefix, shares }) => ({ name: networkOf(groups, prefix), shares }));
}

/** The smallest of the {@link clientNetworks}, of which a single client rarely has many. */
export const clientNetwork = (address: string): string =>
  isIP(address) === 6 ? networkOf(groupsOf(address), 64) : address;

/** The eight groups of an IPv6 address in canonical form. */
function groupsOf(address: string): string[] {
  const [head = "", tail = ""] = address.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === "" ? [] : tail.split(":");
  return [...left, ...Array<string>(8 - left.length - right.length).fill("0"), ...right];
}

function networkOf(groups: readonly string[], prefix: 48 | 56 | 64): string {
  const kept = groups.slice(0, Math.ceil(prefix / 16));
  if (prefix === 56) kept.push((Number.parseInt(kept.pop() ?? "0", 16) & 0xff00).toString(16));
  return `${kept.join(":")}::/${prefix}`;
}

/** Some proxies write `203.0.113.7:4711` or `[2001:db8::7]:4711`. */
const withoutPort = (entry: string): string =>
  /^\[([^\]]*)\](?::\d+)?$/.exec(entry)?.[1] ?? /^([\d.]+):\d+$/.exec(entry)?.[1] ?? entry;
