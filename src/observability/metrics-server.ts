import type { Server } from "bun";

import { ApiError } from "../errors.ts";
import { clientAddress } from "../http/client-address.ts";
import { silenceSeconds } from "../http/connections.ts";
import { errorResponse } from "../http/error-response.ts";
import { addSecurityHeaders } from "../http/security-headers.ts";
import type { Config } from "../config/config.ts";
import type { Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import { metricsResponse } from "./metrics-response.ts";

/**
 * Serves only `/metrics`, on a separate port.
 * @throws the system's error if the port cannot be used
 */
export function serveMetrics(
  { config, metrics, log }: { config: Config; metrics: Metrics; log: Log },
  port: number,
): Server<undefined> {
  return Bun.serve({
    hostname: config.host,
    port,
    development: false,
    reusePort: false,
    idleTimeout: silenceSeconds,
    maxRequestBodySize: 0,
    routes: {
      "/metrics": {
        async GET(request, server) {
          const address = clientAddress(server.requestIP(request)?.address, null, 0);
          const response = await metricsResponse(metrics, config.metrics, request, address);
          response.headers.set("cache-control", "no-store");
          addSecurityHeaders(response.headers);
          return response;
        },
      },
    },
    fetch: () => errorResponse(new ApiError("NOT_FOUND")),
    error(error) {
      if (!(error instanceof ApiError)) log.error("metrics.failed", { error });
      return errorResponse(error);
    },
  });
}
