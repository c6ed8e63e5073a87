import type { Config } from "../config/config.ts";
import { ApiError } from "../errors.ts";
import type { Metrics } from "./metrics.ts";

/** A request with one of these headers came through a proxy, so a loopback peer address does not make it local. */
const proxyHeaders = [
  "forwarded",
  "via",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-real-ip",
];

/**
 * Whether a `Host` header (RFC 9110, 7.2) is a loopback name or address. This keeps out web pages whose own name
 * resolves to 127.0.0.1 (DNS rebinding). A missing header does not count as loopback, because every scraper sends one.
 */
const namesLoopback = (host: string | null): boolean =>
  /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i.test(host ?? "");

/**
 * Responds with the metrics.
 * @param address the peer's address
 * @throws ApiError NOT_FOUND if the client may not read them
 */
export async function metricsResponse(
  metrics: Metrics,
  access: Config["metrics"],
  { headers: requestHeaders }: Request,
  address: string,
): Promise<Response> {
  const isLocal =
    /^(127\.|::1$)/.test(address) &&
    namesLoopback(requestHeaders.get("host")) &&
    !proxyHeaders.some((name) => requestHeaders.has(name));
  if (!(access === "public" || (access === "loopback" && isLocal))) throw new ApiError("NOT_FOUND");
  const text = Buffer.from(await metrics.text());
  const headers = {
    "content-type": "text/plain; version=0.0.4; charset=utf-8",
    "content-length": String(text.length),
  };
  return new Response(text, { headers });
}
