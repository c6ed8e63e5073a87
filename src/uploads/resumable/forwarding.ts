import type { ResumableUpload } from "../../database/resumable-uploads.ts";
import { ApiError } from "../../errors.ts";
import { JsonResponse } from "../../http/json-response.ts";
import type { RequestIds } from "../../http/request-id.ts";

/** Marks a request that a node has forwarded, which is never forwarded again. */
const forwardedHeader = "x-image-sharing-forwarded";

/** Request headers that belong to one connection (RFC 9110, 7.6.1), or are applied already. */
const droppedHeaders = [
  "accept-encoding",
  "connection",
  "expect",
  "keep-alive",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "x-http-method-override",
];

/** Response headers that this node does not set itself. */
const returnedHeaders = [
  "cache-control",
  "content-location",
  "retry-after",
  "tus-version",
  "upload-expires",
  "upload-length",
  "upload-metadata",
  "upload-offset",
  "www-authenticate",
];

/**
 * Sends a request to the node that has the bytes of its upload, and returns that node's response. The body passes through
 * in constant memory, and a client that disconnects ends both requests.
 * @param part what follows the upload's path
 * @throws ApiError UPLOAD_NODE_UNREACHABLE; the AbortError of a client that disconnects
 */
export async function forward(
  request: Request,
  { id, nodeUrl }: ResumableUpload,
  part: string,
  requestIds: Pick<RequestIds, "of">,
): Promise<Response> {
  if (nodeUrl === null || request.headers.has(forwardedHeader)) throw new ApiError("UPLOAD_NODE_UNREACHABLE");
  const headers = new Headers(request.headers);
  for (const name of droppedHeaders) headers.delete(name);
  headers.set(forwardedHeader, "1");
  headers.set("x-request-id", requestIds.of(request));
  const { method, signal, body } = request;
  try {
    const answer = await fetch(`${nodeUrl}/uploads/${id}${part}`, {
      method,
      headers,
      signal,
      redirect: "manual",
      ...(body && { body, duplex: "half" }),
    });
    const text = await answer.text();
    const returned = Object.fromEntries(
      returnedHeaders.flatMap((name) => {
        const value = answer.headers.get(name);
        return value === null ? [] : [[name, value]];
      }),
    );
    const { status } = answer;
    return text === ""
      ? new Response(null, { status, headers: returned })
      : new JsonResponse(text, { status, headers: returned });
  } catch (cause) {
    if (signal.aborted) throw cause;
    throw new ApiError("UPLOAD_NODE_UNREACHABLE", { cause });
  }
}
