import { JsonAnswer } from "./json-answer.ts";

/** Below this many bytes compressing costs more than it saves. */
const worthwhile = 1024;

/**
 * Compresses a JSON answer when the client asks for it and it is worth it. Media are compressed already, pages bring
 * compressed copies of their own.
 * @returns the answer to send, and how many bytes its body has
 */
export function compressed(request: Request, response: Response): { response: Response; bytes: number } {
  if (request.method === "HEAD") return { response, bytes: 0 };
  if (!(response instanceof JsonAnswer))
    return { response, bytes: Number(response.headers.get("content-length")) };
  const { headers, status, written } = response;
  const bytes = Buffer.byteLength(written);
  const coding = bytes < worthwhile ? undefined : preferredCoding(request.headers.get("accept-encoding"));
  if (!coding) return { response, bytes };
  headers.set("content-encoding", coding);
  const body = coding === "zstd" ? Bun.zstdCompressSync(written) : Bun.gzipSync(written);
  return { response: new Response(new Uint8Array(body), { status, headers }), bytes: body.length };
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
