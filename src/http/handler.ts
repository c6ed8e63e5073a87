import type { createApp } from "../app.ts";
import { ApiError, errorResponse } from "../errors.ts";
import type { Services } from "../services.ts";
import { compressed } from "./compression.ts";
import { createCors } from "./cors.ts";
import { protect } from "./protective-headers.ts";
import { lastRequestId } from "./request-id.ts";
import { createRoutePatterns } from "./route-patterns.ts";

/** Answers a request, whatever it is; never rejects. */
export type Handler = (request: Request) => Promise<Response>;

/**
 * What happens around every request, in one place because hooks of the framework would cost each request more:
 * request id, security headers, CORS, compression, the log's line, the counts.
 */
export function createHandler(app: ReturnType<typeof createApp>, services: Services): Handler {
  const { config, log, metrics, viewers, lifecycle } = services;
  const cors = createCors(config.corsOrigins);
  const { patternOf } = createRoutePatterns(app.routes);

  return async (request) => {
    const started = performance.now();
    const path = pathOf(request.url);
    const { response, bytes } = compressed(
      request,
      cors.preflight(request) ??
        (lifecycle.stopping && path !== "/health" ? errorResponse(stopping()) : await app.fetch(request)),
    );

    const id = lastRequestId(request);
    const { headers, status } = response;
    cors.mark(request, headers);
    headers.set("x-request-id", id);
    // Those made often bring them.
    if (!headers.has("referrer-policy")) protect(headers);
    if (!headers.has("cache-control")) headers.set("cache-control", "no-store");

    const ms = performance.now() - started;
    const route = patternOf(path) ?? "none";
    metrics.request(request.method, route, status, ms / 1000);
    log.info("request", {
      id,
      method: request.method,
      route,
      status,
      ms: Math.round(ms * 10) / 10,
      bytes,
      user: viewers.idOf(request),
    });
    return response;
  };
}

const stopping = () => new ApiError("STOPPING", { headers: { connection: "close" } });

/** By position, as Elysia does: a junk Host makes an address that no parser takes. */
function pathOf(url: string): string {
  // Without a Host there is the path alone.
  const start = url.startsWith("/") ? 0 : url.indexOf("/", 8);
  if (start === -1) return "/";
  const end = url.indexOf("?", start);
  return url.slice(start, end === -1 ? undefined : end);
}
