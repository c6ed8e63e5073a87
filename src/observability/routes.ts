import { Type as t } from "@sinclair/typebox";
import { Elysia } from "elysia";

import { describe } from "../openapi/describe.ts";
import { apiErrorSchema, oneOf } from "../openapi/schemas.ts";
import { ApiError } from "../errors.ts";
import { JsonResponse } from "../http/json-response.ts";
import { hasTrailingSlash } from "../http/request-path.ts";
import type { Config } from "../config/config.ts";
import type { Connections } from "../http/connections.ts";
import type { HealthCheck } from "./health.ts";
import type { Metrics } from "./metrics.ts";
import { metricsResponse } from "./metrics-response.ts";

export interface OperationServices {
  readonly config: Pick<Config, "metrics" | "metricsPort">;
  readonly health: HealthCheck;
  readonly metrics: Metrics;
  readonly connections: Connections;
  /** While `stopping`, running requests are completed and new ones rejected. */
  readonly lifecycle: { stopping: boolean };
}

const healthSchema = t.Object(
  {
    status: oneOf(["ok", "stopping"], {
      description: "`stopping` while the service shuts down.",
      examples: ["ok"],
    }),
  },
  { $id: "Health" },
);

const readinessDetail = (id: string, summary: string) =>
  describe({
    id,
    summary,
    description:
      "For load balancers and container platforms. Checks the database and the disk, within two seconds.",
    answer: { status: 200, meaning: "The service can handle requests.", body: healthSchema },
    others: {
      503: {
        meaning: "The service is shutting down, or the database or the disk does not respond.",
        body: [healthSchema, apiErrorSchema],
        headers: ["Retry-After"],
      },
    },
  });

/** Health checks and metrics, for operators. */
export function operationRoutes({ health, lifecycle, metrics, config, connections }: OperationServices) {
  async function readiness() {
    if (lifecycle.stopping) return JsonResponse.of({ status: "stopping" }, { status: 503 });
    await health().catch((cause: unknown) => {
      throw new ApiError("UNAVAILABLE", { cause });
    });
    return { status: "ok" };
  }
  // With METRICS_PORT, metrics are not available on the main port.
  const access = config.metricsPort === undefined ? config.metrics : "off";

  return new Elysia({ detail: { tags: ["operation"] } })
    .get("/health", readiness, { detail: readinessDetail("readHealth", "Check the service's health") })
    .get("/readyz", readiness, {
      detail: readinessDetail("readReadiness", "Check whether the service can handle requests"),
    })
    .get("/livez", () => ({ status: "ok" }), {
      detail: describe({
        id: "readLiveness",
        summary: "Check whether the process responds",
        description:
          "For container platforms, which restart a process that does not respond. Does not check the database or the disk.",
        answer: { status: 200, meaning: "The process responds.", body: healthSchema },
      }),
    })
    .get(
      "/metrics",
      ({ request }) => {
        // A proxy that blocks `/metrics` may still forward `/metrics/`.
        if (hasTrailingSlash(request)) throw new ApiError("NOT_FOUND");
        return metricsResponse(metrics, access, request, connections.addressOf(request));
      },
      {
        detail: describe({
          id: "readMetrics",
          summary: "Get metrics",
          description:
            "Metrics in Prometheus' text format. By default, only requests from the machine itself can read them; the operator " +
            "can make them public, move them to a separate port, or turn them off.",
          answer: { status: 200, meaning: "The current values.", body: { media: ["text/plain"] } },
          errors: ["NOT_FOUND"],
        }),
      },
    );
}
