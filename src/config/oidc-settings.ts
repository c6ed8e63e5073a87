import { isLoopback } from "./host-name.ts";
import type { settingsReader } from "./settings-reader.ts";
import { parseWebAddress } from "./web-address.ts";

/** Settings of the OpenID Connect provider with which users can sign in. */
export interface OidcSettings {
  /** As the operator wrote it: some providers' issuers end with a slash. */
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** The text of the button; null: the page's own. */
  readonly name: string | null;
  /** Separated by spaces (RFC 6749, 3.3). */
  readonly scopes: string;
}

/** The characters of a scope token (RFC 6749, 3.3), without the quotation mark and the backslash. */
const scopeToken = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** Reads the settings of the provider and records problems. @returns undefined if none is configured */
export function readOidcSettings({
  setting,
  allOrNone,
  text,
  problems,
}: Pick<ReturnType<typeof settingsReader>, "setting" | "allOrNone" | "text" | "problems">):
  OidcSettings | undefined {
  const client = allOrNone("OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET");
  const name = setting<string | null>("OIDC_NAME", null, "1 to 60 characters without line breaks", (value) =>
    [...value].length <= 60 && !/\p{Cc}/u.test(value) ? value : undefined,
  );
  const scopes = setting(
    "OIDC_SCOPES",
    "openid email profile",
    "scopes separated by spaces, openid among them",
    (value) => {
      const scopes = value.split(/\s+/);
      return scopes.includes("openid") && scopes.every((scope) => scopeToken.test(scope))
        ? scopes.join(" ")
        : undefined;
    },
  );
  const issuer = text("OIDC_ISSUER");
  const problem = issuer && problemOfIssuer(issuer);
  if (problem) problems.push(`OIDC_ISSUER must ${problem}.`);
  return (
    client && {
      issuer: client.OIDC_ISSUER,
      clientId: client.OIDC_CLIENT_ID,
      clientSecret: client.OIDC_CLIENT_SECRET,
      name,
      scopes,
    }
  );
}

/** @returns what the issuer must be or have, if it is not valid */
function problemOfIssuer(issuer: string): string | undefined {
  const parsed = parseWebAddress(issuer);
  if ("problem" in parsed) return parsed.problem;
  const { protocol, hostname } = new URL(parsed.address);
  // Over plain HTTP, an attacker on the network could sign in as any user.
  if (protocol === "http:" && !isLoopback(hostname))
    return "begin with https:// unless the provider runs on this machine (http://localhost)";
  if (issuer.includes("/.well-known/"))
    return "be the issuer alone, without /.well-known/openid-configuration";
  return undefined;
}
