/** A response is longer than expected. */
export class ResponseTooLarge extends Error {
  override readonly name = "ResponseTooLarge";
}

/**
 * Reads the body of a response into memory.
 * @throws ResponseTooLarge for more than `maxBytes`; the errors of the stream
 */
export async function readBounded({ body }: Response, maxBytes: number): Promise<Buffer<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body ?? []) {
    length += chunk.length;
    // Leaving the loop cancels the rest.
    if (length > maxBytes) throw new ResponseTooLarge(`its response has more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

/**
 * Creates a `fetch` that reads the body at once, within the request's own timeout and up to `maxBytes`. It throws
 * ResponseTooLarge for more.
 */
export const boundedFetch =
  (maxBytes: number) =>
  async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const response = await fetch(input, init);
    const body = response.body && (await readBounded(response, maxBytes));
    const { status, headers } = response;
    // The body is decoded by now.
    headers.delete("content-encoding");
    headers.delete("content-length");
    return new Response(body, { status, headers });
  };
