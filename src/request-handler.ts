import type { createApp } from "./app.ts";
import { ApiError } from "./errors.ts";
import { probes } from "./observability/health.ts";
import type { Services } from "./services.ts";
import type { Sent } from "./http/compression.ts";
import { createCors } from "./http/cors.ts";
import { errorResponse } from "./http/error-response.ts";
import { JsonResponse } from "./http/json-response.ts";
import { createPathPrefix, pathPrefixOf } from "./http/path-prefix.ts";
import { addSecurityHeaders } from "./http/security-headers.ts";
import { pathOf } from "./http/request-path.ts";
import { createRoutePatterns } from "./http/route-patterns.ts";
import { afterBody } from "./http/unread-body.ts";
import { isTusRoute, markVersion, overrideMethod } from "./uploads/resumable/tus-requests.ts";

/** One year (RFC 6797), without `includeSubDomains`, because subdomains may belong to services without TLS. */
const strictTransportSecurity = "max-age=31536000";

/** Handles any request; never rejects. */
export type Handler = (request: Request) => Promise<Response>;

/**
 * Wraps the app with the features of every response: request id, security headers, CORS, compression, access log and
 * metrics. They are not Elysia hooks, because each hook would slow down every request.
 */
export function createHandler(app: ReturnType<typeof createApp>, services: Services): Handler {
  const { config, log, metrics, authenticator, lifecycle, compress, connections, requestIds } = services;
  const hasTls = config.publicUrl?.startsWith("https:") ?? false;
  const { patternOf, methods } = createRoutePatterns(app.routes);
  const cors = createCors(config.corsOrigins, methods);
  const withoutPrefix = createPathPrefix(
    pathPrefixOf(config.publicUrl),
    (path) => patternOf(path) !== undefined,
  );

  async function respond(request: Request, route: string): Promise<Sent> {
    connections.suspendIdleTimeout(request);
    try {
      const isRejected = lifecycle.stopping && !probes.has(route);
      const response =
        cors.preflight(request) ?? (isRejected ? errorResponse(stopping()) : await app.fetch(request));
      return await compress(request, response);
    } finally {
      connections.resumeIdleTimeout(request);
    }
  }

  return async (received) => {
    const startedMs = performance.now();
    const request = withoutPrefix(received);
    const route = patternOf(pathOf(request.url)) ?? "none";
    const isTus = isTusRoute(route);
    if (isTus) overrideMethod(request);
    const { response, bytes } = await respond(request, route);

    const ids = requestIds.fieldsOf(request);
    const { headers, status } = response;
    cors.mark(request, headers);
    if (isTus) markVersion(request, headers);
    headers.set("x-request-id", ids.id);
    const cookie = authenticator.renewedCookie(request);
    if (cookie !== undefined) headers.append("set-cookie", cookie);
    if (hasTls) headers.set("strict-transport-security", strictTransportSecurity);
    // Bun adds the date to all other responses.
    if (request.method === "HEAD") headers.set("date", new Date().toUTCString());
    // A JsonResponse has these headers already.
    if (!(response instanceof JsonResponse)) {
      if (!headers.has("referrer-policy")) addSecurityHeaders(headers);
      if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
    }

    const ms = performance.now() - startedMs;
    metrics.request(request.method, route, status, ms / 1000);
    log.info("request", {
      ...ids,
      method: request.method,
      route,
      status,
      ms: Math.round(ms * 10) / 10,
      bytes,
      user: authenticator.userIdOf(request),
    });
    return request.body && connections.isOpen(request) ? afterBody(request, response) : response;
  };
}

const stopping = () => new ApiError("STOPPING", { headers: { connection: "close" } });
