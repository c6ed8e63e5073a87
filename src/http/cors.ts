import type { AllowedOrigins } from "../config/allowed-origins.ts";

/** Headers that pages may read in addition to the Fetch standard's safelist. */
const exposed = [
  "accept-ranges",
  "content-disposition",
  "content-length",
  "content-location",
  "content-range",
  "etag",
  "link",
  "location",
  "retry-after",
  "tus-checksum-algorithm",
  "tus-extension",
  "tus-max-size",
  "tus-resumable",
  "tus-version",
  "upload-expires",
  "upload-length",
  "upload-metadata",
  "upload-offset",
  "www-authenticate",
  "x-request-id",
].join(", ");

/** Headers that a preflight without a list of headers allows. */
const usualHeaders = "authorization, content-type, idempotency-key, x-request-id";

/** Seconds a browser may remember a preflight's answer. */
const maxAge = "600";

/** Characters of the names that a preflight may ask for. */
const longestList = 4096;
/** Names of headers (RFC 9110, 5.1), separated by commas. */
const headerNames = /^[\w!#$%&'*+.^`|~-]+(?: *, *[\w!#$%&'*+.^`|~-]+)*$/;

/**
 * Lets pages of other origins use the API (Fetch standard, CORS protocol). Listed origins may send the session cookie; `*`
 * is for clients that send a token in a header.
 * @param methods those of all routes, separated by commas
 */
export function createCors(origins: AllowedOrigins, methods: string) {
  const allows = (origin: string | null) => origins.anybody || (origin !== null && origins.lists(origin));

  return {
    /** The answer to a preflight; undefined for any other request. */
    preflight(request: Request): Response | undefined {
      if (origins.nobody) return undefined;
      const asked = request.headers;
      if (request.method !== "OPTIONS" || !asked.has("access-control-request-method")) return undefined;
      const answer = new Response(null, { status: 204, headers: { vary: "access-control-request-headers" } });
      if (!allows(asked.get("origin"))) return answer;
      answer.headers.set("access-control-allow-methods", methods);
      answer.headers.set("access-control-allow-headers", allowedHeaders(asked));
      answer.headers.set("access-control-max-age", maxAge);
      return answer;
    },

    /** Sets the headers that let the requesting page read a response, if it may. */
    mark(request: Request, headers: Headers): void {
      if (origins.nobody) return;
      if (origins.listsAny) headers.append("vary", "origin");
      const origin = request.headers.get("origin");
      if (origin !== null && origins.lists(origin)) {
        headers.set("access-control-allow-origin", origin);
        headers.set("access-control-allow-credentials", "true");
      } else if (origins.anybody) headers.set("access-control-allow-origin", "*");
      else return;
      headers.set("access-control-expose-headers", exposed);
    },
  };
}

/** Allows all requested headers: those that the service does not read, such as `traceparent`, do no harm. */
function allowedHeaders(asked: Headers): string {
  const names = asked.get("access-control-request-headers") ?? "";
  return names.length <= longestList && headerNames.test(names) ? names : usualHeaders;
}
