import type { AllowedOrigins } from "../config/allowed-origins.ts";
import type { BaseUrl } from "./base-url.ts";

/** Where a browser says that a request comes from; `unknown` when it says nothing. */
export type RequestOrigin = "trusted" | "foreign" | "unknown";

/**
 * Creates the check that protects requests with a cookie from other websites (CSRF). A page of the service itself or of a
 * listed origin is trusted. Browsers send `Origin` with every request that is not GET or HEAD (Fetch standard, 3.2);
 * where something has removed it, `Sec-Fetch-Site` (Fetch Metadata, 2.3) must say `same-origin`.
 */
export function createRequestOrigin(
  baseUrl: Pick<BaseUrl, "hasOrigin">,
  allowed: AllowedOrigins,
): (request: Request) => RequestOrigin {
  return (request) => {
    const origin = request.headers.get("origin");
    if (origin !== null)
      return baseUrl.hasOrigin(request, origin) || allowed.lists(origin) ? "trusted" : "foreign";
    const site = request.headers.get("sec-fetch-site");
    if (site === null) return "unknown";
    return site === "same-origin" ? "trusted" : "foreign";
  };
}
