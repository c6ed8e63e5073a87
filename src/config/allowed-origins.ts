import { hostLabel, isValidHostname } from "./host-name.ts";

/** The origins (RFC 6454) whose pages may use the API. */
export interface AllowedOrigins {
  /** All of them. */
  readonly anybody: boolean;
  /** None but the service's own. */
  readonly nobody: boolean;
  /** Whether any origin is listed, so that responses depend on the origin of their request. */
  readonly listsAny: boolean;
  /** Whether this origin, as a browser sends it, is listed by itself or with its parent domain. */
  lists(origin: string): boolean;
}

export const allowedOriginsExpected =
  "origins such as https://app.example.com, https://*.example.com or capacitor://localhost, separated by commas, or *";

export const noOrigins: AllowedOrigins = {
  anybody: false,
  nobody: true,
  listsAny: false,
  lists: () => false,
};

/**
 * Reads a list of origins, separated by commas: of websites (`https://app.example.com`), of all subdomains of a domain,
 * however deep, but not of the domain itself (`https://*.example.com`), and of apps and browser extensions
 * (`capacitor://localhost`, `chrome-extension://…`). `*` stands for all.
 * @returns undefined where an entry is none of these. `null` is refused: any page can have that origin.
 */
export function parseAllowedOrigins(text: string): AllowedOrigins | undefined {
  const entries = text.split(",").map((entry) => entry.trim());
  const exact = new Set<string>();
  const patterns: RegExp[] = [];
  for (const entry of entries) {
    if (entry === "*") continue;
    const subdomains = subdomainsOf(entry);
    const origin = subdomains ? undefined : (websiteOrigin(entry) ?? appOrigin(entry));
    if (subdomains) patterns.push(subdomains);
    else if (origin !== undefined) exact.add(origin);
    else return undefined;
  }
  return {
    anybody: entries.includes("*"),
    nobody: false,
    listsAny: exact.size + patterns.length > 0,
    lists: (origin) => exact.has(origin) || patterns.some((pattern) => pattern.test(origin)),
  };
}

/** An `http` or `https` origin as browsers write it; undefined for addresses with a path. */
function websiteOrigin(entry: string): string | undefined {
  const url = URL.parse(entry);
  const isOrigin = url && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`;
  return isOrigin && isValidHostname(url.hostname) ? url.origin : undefined;
}

function subdomainsOf(entry: string): RegExp | undefined {
  const [, scheme, parent] = /^(https?:\/\/)\*\.(.*)$/i.exec(entry) ?? [];
  const origin = parent === undefined ? undefined : websiteOrigin(`${scheme}any.${parent}`);
  if (origin === undefined) return undefined;
  const [, begin, domain] = /^(https?:\/\/)any\.(.*)$/.exec(origin)!;
  // A pattern such as https://*.com would allow every website below .com.
  if (!/\.|^localhost(?::|$)/.test(domain!)) return undefined;
  return new RegExp(`^${begin}(?:${hostLabel}\\.)+${domain!.replaceAll(".", "\\.")}$`);
}

/** Schemes whose pages have another origin than their address says, or are no pages. */
const notOfApps = /^(?:https?|wss?|ftp|file|data|blob|about|javascript)$/;

/** The origin of an app or a browser extension: its scheme and a name, compared as they stand. */
function appOrigin(entry: string): string | undefined {
  const [, scheme] = /^([a-z][a-z0-9+.-]*):\/\/[\w.-]+(?::\d{1,5})?$/i.exec(entry) ?? [];
  return scheme === undefined || notOfApps.test(scheme.toLowerCase()) ? undefined : entry;
}
