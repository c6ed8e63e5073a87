/** Whether a request comes from a browser that opens an address. Clients of the API may accept HTML beside JSON. */
export function opensPage({ method, headers }: Request): boolean {
  const accept = headers.get("accept") ?? "";
  return (method === "GET" || method === "HEAD") && acceptsHtml.test(accept) && !acceptsJson.test(accept);
}

/** Media ranges of an `Accept` header (RFC 9110, 12.5.1). A quality of 0 means "not acceptable". */
const acceptsHtml = /(?:^|,)\s*text\/html\s*(?:;(?!\s*q=0(?:\.0*)?\s*(?:,|$))|,|$)/i;
const acceptsJson = /(?:^|,)\s*application\/(?:[\w.-]+\+)?json\b/i;
