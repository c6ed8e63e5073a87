/** Bytes of a response of the provider. Metadata, keys and tokens have some kilobytes. */
const maxResponseBytes = 512 * 1024;

/** The provider's response is longer than {@link maxResponseBytes}. */
export class ResponseTooLarge extends Error {
  override readonly name = "ResponseTooLarge";
}

/**
 * Fetches as `fetch` does, and reads the body at once, within the request's own timeout and up to
 * {@link maxResponseBytes}.
 * @throws ResponseTooLarge; the errors of `fetch`
 */
export async function boundedFetch(url: string, init: RequestInit): Promise<Response> {
  const response = await fetch(url, init);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    // Leaving the loop cancels the rest.
    if (length > maxResponseBytes) throw new ResponseTooLarge(`more than ${maxResponseBytes} bytes`);
    chunks.push(chunk);
  }
  const { status, headers } = response;
  // The body is decoded by now.
  headers.delete("content-encoding");
  headers.delete("content-length");
  return new Response(response.body && Buffer.concat(chunks, length), { status, headers });
}
