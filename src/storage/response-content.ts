import type { StoredContent } from "./media-store.ts";

/**
 * The content of a successful response. Its length is unknown when the response was sent in chunks or compressed, because
 * `fetch` decompresses it.
 */
export function responseContent({ body, headers }: Response): StoredContent | null {
  const length = headers.get("content-encoding") === null ? headers.get("content-length") : null;
  return body && { stream: body, bytes: length === null ? null : Number(length) };
}
