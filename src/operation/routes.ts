import { Elysia } from "elysia";

import { describe } from "../docs/describe.ts";
import { ApiError } from "../errors.ts";
import { JsonAnswer } from "../http/json-answer.ts";
import type { Services } from "../services.ts";

/** What a proxy passes on is not asked from this machine, whatever the socket says. */
const passedOn = [
  "forwarded",
  "via",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-real-ip",
];

/**
 * Whether a `Host` header (RFC 9110, 7.2) names this machine by a loopback name or address. A web page whose own name
 * was made to lead to 127.0.0.1 (DNS rebinding) sends that name. A request without the header is not local: every
 * program that scrapes metrics sends one.
 */
const namesLoopback = (host: string | null): boolean =>
  /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i.test(host ?? "");

/** For those who run the service: is it able to work, and how does it do? */
export const operationRoutes = ({ health, lifecycle, metrics, config, connections }: Services) =>
  new Elysia({ detail: { tags: ["operation"] } })
    .get(
      "/health",
      async () => {
        if (lifecycle.stopping) return JsonAnswer.of({ status: "stopping" }, { status: 503 });
        await health().catch((cause: unknown) => {
          throw new ApiError("UNAVAILABLE", { cause });
        });
        return { status: "ok" };
      },
      {
        detail: describe({
          id: "readHealth",
          summary: "Check the service's health",
          description:
            "For load balancers and container platforms. Includes a round trip to the database and to the disk, within two seconds.",
          answer: { status: 200, meaning: "The service can work.", body: "Health" },
          others: {
            503: {
              meaning: "The service is shutting down, or the database or the disk does not answer.",
              body: ["Health", "ApiError"],
              headers: ["Retry-After"],
            },
          },
        }),
      },
    )
    .get(
      "/metrics",
      async ({ request }) => {
        const { headers: asked } = request;
        const local =
          /^(127\.|::1$)/.test(connections.addressOf(request)) &&
          namesLoopback(asked.get("host")) &&
          !passedOn.some((name) => asked.has(name));
        if (!(config.metrics === "public" || (config.metrics === "loopback" && local)))
          throw new ApiError("NOT_FOUND");
        const text = Buffer.from(await metrics.text());
        const headers = {
          "content-type": "text/plain; version=0.0.4; charset=utf-8",
          "content-length": String(text.length),
        };
        return new Response(text, { headers });
      },
      {
        detail: describe({
          id: "readMetrics",
          summary: "Get metrics",
          description:
            "Metrics in the text format of Prometheus. Only requests from the machine itself are answered, unless the " +
            "operator has made them public or turned them off.",
          answer: { status: 200, meaning: "The current values.", body: { media: ["text/plain"] } },
          errors: ["NOT_FOUND"],
        }),
      },
    );
