/** Below this many bytes compressing costs more than it saves. */
const worthwhile = 1024;

/**
 * Compresses a JSON answer when the client asks for it and it is worth it, and says how long it is. Media are compressed
 * already, pages bring compressed copies of their own.
 */
export async function compressed(request: Request, response: Response): Promise<Response> {
  const { headers } = response;
  if (!headers.get("content-type")?.startsWith("application/json") || headers.has("content-encoding"))
    return response;
  if (!headers.has("vary")) headers.set("vary", "accept-encoding");
  if (!response.body || request.method === "HEAD") return response;
  const text = await response.text();
  const length = Buffer.byteLength(text);
  const coding = length < worthwhile ? undefined : preferredCoding(request.headers.get("accept-encoding"));
  const body = coding && (coding === "zstd" ? Bun.zstdCompressSync(text) : Bun.gzipSync(text));
  if (coding) headers.set("content-encoding", coding);
  headers.set("content-length", String(body?.length ?? length));
  return new Response(body ? new Uint8Array(body) : text, { status: response.status, headers });
}

/** The coding that Accept-Encoding (RFC 9110, 12.5.3) likes best of those we have; zstd where it does not care. */
export function preferredCoding(accepted: string | null): "zstd" | "gzip" | undefined {
  if (!accepted) return undefined;
  const quality = new Map<string, number>();
  for (const entry of accepted.toLowerCase().split(",")) {
    const [name = "", ...parameters] = entry.split(";").map((text) => text.trim());
    const q = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2);
    quality.set(name, q === undefined ? 1 : Number(q) || 0);
  }
  const of = (name: string) => quality.get(name) ?? quality.get("*") ?? 0;
  const [zstd, gzip] = [of("zstd"), of("gzip")];
  if (Math.max(zstd, gzip) === 0) return undefined;
  return zstd >= gzip ? "zstd" : "gzip";
}
