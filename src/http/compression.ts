/** Below this many bytes compressing costs more than it saves. */
const worthwhile = 1024;

/**
 * Compresses a JSON answer when the client asks for it and it is worth it. Media are compressed already, pages bring
 * compressed copies of their own.
 */
export async function compressed(request: Request, response: Response): Promise<Response> {
  const { headers } = response;
  if (!response.body || !headers.get("content-type")?.startsWith("application/json")) return response;
  if (headers.has("content-encoding")) return response;
  headers.append("vary", "accept-encoding");
  const coding = preferredCoding(request.headers.get("accept-encoding"));
  if (!coding || request.method === "HEAD") return response;
  const bytes = await response.bytes();
  const answer = { status: response.status, headers };
  if (bytes.length < worthwhile) return new Response(bytes, answer);
  headers.set("content-encoding", coding);
  headers.delete("content-length");
  return new Response(
    new Uint8Array(coding === "zstd" ? Bun.zstdCompressSync(bytes) : Bun.gzipSync(bytes)),
    answer,
  );
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
