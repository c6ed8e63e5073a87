import type { Config } from "../config.ts";
import { ApiError } from "../errors.ts";
import type { Metrics } from "./metrics.ts";

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

/**
 * The metrics, for whoever may read them.
 * @param address the peer of the request's connection
 * @throws ApiError NOT_FOUND for anybody else
 */
export async function metricsResponse(
  metrics: Metrics,
  access: Config["metrics"],
  { headers: asked }: Request,
  address: string,
): Promise<Response> {
  const isLocal =
    /^(127\.|::1$)/.test(address) &&
    namesLoopback(asked.get("host")) &&
    !passedOn.some((name) => asked.has(name));
  if (!(access === "public" || (access === "loopback" && isLocal))) throw new ApiError("NOT_FOUND");
  const text = Buffer.from(await metrics.text());
  const headers = {
    "content-type": "text/plain; version=0.0.4; charset=utf-8",
    "content-length": String(text.length),
  };
  return new Response(text, { headers });
}
