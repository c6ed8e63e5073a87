import { createBunRouteHandler } from "elysia/adapter/bun/compose";

import type { createApp } from "../app.ts";
import { ApiError } from "../errors.ts";
import { probes } from "../operation/health.ts";
import type { Services } from "../services.ts";
import type { Sent } from "./compression.ts";
import { createCors } from "./cors.ts";
import { errorResponse } from "./error-response.ts";
import { JsonAnswer } from "./json-answer.ts";
import { createPathPrefix, pathPrefixOf } from "./path-prefix.ts";
import { protect } from "./protective-headers.ts";
import { lastRequestId } from "./request-id.ts";
import { pathOf } from "./request-path.ts";
import { createRoutePatterns } from "./route-patterns.ts";
import { traceIdOf } from "./trace-context.ts";
import { afterBody } from "./unread-body.ts";

/** RFC 6797, for a year. Subdomains may belong to services without TLS. */
const strictTransportSecurity = "max-age=31536000";

/** Answers a request, whatever it is; never rejects. */
export type Handler = (request: Request) => Promise<Response>;

/** What `Bun.serve` takes. */
export interface Handlers {
  /** Answers every request. */
  readonly fetch: Handler;
  /**
   * Answer those whose route Bun finds by itself, by path and method. Nobody reads their address or looks for their route
   * then: a small answer costs 5 to 10 percent less.
   */
  readonly routes: Record<string, Handler | Record<string, Handler>>;
}

/**
 * What happens around every request, in one place because hooks of the framework would cost each request more:
 * request id, security headers, CORS, compression, the log's line, the counts.
 */
export function createHandlers(app: ReturnType<typeof createApp>, services: Services): Handlers {
  const { config, log, metrics, viewers, lifecycle, compress, connections } = services;
  const hasTls = config.publicUrl?.startsWith("https:") ?? false;
  const { patternOf, methods: allMethods } = createRoutePatterns(app.routes);
  const cors = createCors(config.corsOrigins, allMethods);

  /** @param pattern the route's, where it is known */
  const around =
    (answer: (request: Request) => Response | Promise<Response>, pattern?: string): Handler =>
    async (request) => {
      const started = performance.now();
      connections.working(request);
      const route = pattern ?? patternOf(pathOf(request.url)) ?? "none";
      let sent: Sent;
      try {
        sent = await compress(
          request,
          cors.preflight(request) ??
            (lifecycle.stopping && !probes.has(route) ? errorResponse(stopping()) : await answer(request)),
        );
      } finally {
        connections.answered(request);
      }
      const { response, bytes } = sent;

      const id = lastRequestId(request);
      const { headers, status } = response;
      cors.mark(request, headers);
      headers.set("x-request-id", id);
      if (hasTls) headers.set("strict-transport-security", strictTransportSecurity);
      // Bun adds it to the responses to all other methods.
      if (request.method === "HEAD") headers.set("date", new Date().toUTCString());
      // Those made most often bring them.
      if (!(response instanceof JsonAnswer)) {
        if (!headers.has("referrer-policy")) protect(headers);
        if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
      }

      const ms = performance.now() - started;
      metrics.request(request.method, route, status, ms / 1000);
      log.info("request", {
        id,
        method: request.method,
        route,
        status,
        ms: Math.round(ms * 10) / 10,
        bytes,
        user: viewers.idOf(request),
        trace_id: traceIdOf(request),
      });
      return request.body && connections.isOpen(request) ? afterBody(request, response) : response;
    };

  const prefix = pathPrefixOf(config.publicUrl);
  const withoutPrefix = createPathPrefix(prefix, (path) => patternOf(path) !== undefined);
  const fetchWithin = around((request) => app.fetch(request));
  const fetch: Handler = prefix === "" ? fetchWithin : (request) => fetchWithin(withoutPrefix(request));
  const byMethod: Record<string, Record<string, Handler>> = {};
  for (const route of app.routes) {
    // Bun would take a path that Elysia finds by its trailing slash for one of the wildcard's.
    if (route.path.endsWith("*")) continue;
    // Compiled when first asked for, as Elysia itself does: all of them would make the start longer.
    let found: ReturnType<typeof createBunRouteHandler>;
    const answer = (request: Request) => (found ??= createBunRouteHandler(app, route))(request);
    const methods = (byMethod[route.path] ??= {});
    methods[route.method] = around(answer, route.path);
    // Bun would ask GET for a HEAD too; Elysia finds out its Content-Length.
    if (route.method === "GET") methods["HEAD"] = fetch;
  }
  // Routes of their own, because a prefix may look like a route: below "/media", "/media/feed" is no file.
  const belowPrefix = prefix === "" ? [] : app.routes.map(({ path }) => [prefix + path, fetch]);
  return { fetch, routes: { ...byMethod, ...Object.fromEntries(belowPrefix) } };
}

const stopping = () => new ApiError("STOPPING", { headers: { connection: "close" } });
