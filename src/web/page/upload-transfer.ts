import { Failure, type Sent } from "./failures.ts";
import { serviceUrl } from "./service-url.ts";
import { session } from "./session.ts";

/** What a request of an upload sends. */
export interface Transfer {
  readonly method: "POST" | "PUT" | "PATCH" | "HEAD";
  readonly route: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: FormData | Blob;
  /** Receives the bytes of the body sent so far, and all of them. */
  readonly onProgress?: (sent: number, total: number) => void;
}

/**
 * Sends a request with the session's cookie. Uses XMLHttpRequest because fetch() does not report upload progress.
 * @returns the request with its response, whatever its status
 * @throws Failure without a response; the signal's reason when it aborts
 */
export function transfer(
  { method, route, headers, body, onProgress }: Transfer,
  signal: AbortSignal,
): Promise<XMLHttpRequest> {
  const { generation } = session;
  const request = new XMLHttpRequest();
  return new Promise((resolve, reject) => {
    const abort = () => {
      request.abort();
      reject(signal.reason);
    };
    signal.addEventListener("abort", abort, { once: true });
    request.addEventListener("loadend", () => signal.removeEventListener("abort", abort));
    if (onProgress)
      request.upload.addEventListener("progress", ({ loaded, total }) => onProgress(loaded, total));
    request.addEventListener("load", () => {
      if (request.status === 401) session.expire(generation);
      resolve(request);
    });
    request.addEventListener("error", () => reject(new Failure(0)));
    request.open(method, serviceUrl(route));
    request.responseType = "json";
    for (const name in headers) request.setRequestHeader(name, headers[name]!);
    request.send(body ?? null);
  });
}

/** Returns the failure that a response reports. */
export function failureOf(request: XMLHttpRequest, sent: Sent): Failure {
  const body = request.response as { detail?: string } | null;
  return new Failure(request.status, body?.detail, request.getResponseHeader("retry-after"), sent);
}
