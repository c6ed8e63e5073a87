import { promisify } from "node:util";
import type { ZlibOptions } from "node:zlib";

import { LRUCache } from "lru-cache";

import { createFairSemaphore } from "../concurrency/fair-semaphore.ts";
import { JsonResponse } from "./json-response.ts";

export type Coding = "zstd" | "gzip";
type Bytes = Uint8Array<ArrayBuffer>;

/** Below this size, compression costs more than it saves. */
const worthwhileBytes = 1024;

/**
 * From this size on, another thread compresses. On the event loop that would delay all other requests by over a
 * millisecond (gzip takes up to 16 ms per MB, zstd 3 ms); below, handing over costs as much as compressing.
 */
const largeBytes = { zstd: 256 * 1024, gzip: 64 * 1024 } as const;

/** Capacity of the cache of compressed copies, in bytes of the originals; the copies take about a fifth of it. */
const capacityBytes = 16 * 1024 ** 2;

/** Half the time of the libraries' defaults; a feed page gets 2 % larger with gzip and 3 % smaller with zstd. */
const levels = { zstd: 1, gzip: 2 } as const;

/** A response, and the size of its body. */
export interface Sent {
  readonly response: Response;
  readonly bytes: number;
}

/**
 * Compresses JSON responses if the client accepts it and the size makes it worthwhile. Media are compressed already, and
 * static pages keep compressed copies of their own.
 *
 * Large texts are compressed off the event loop, one at a time, because the same threads read files and hash passwords. The
 * copies are cached. When the queue is full, the response is sent uncompressed.
 */
export function createCompression() {
  const semaphore = createFairSemaphore({ concurrency: 1, queueLimit: 8 });
  const copies = new LRUCache<string, Promise<Bytes>>({ maxSize: capacityBytes });

  function copyOf(text: Buffer<ArrayBuffer>, coding: Coding): Promise<Bytes> {
    const name = `${coding} ${new Bun.CryptoHasher("sha256").update(text).digest("base64")}`;
    const kept = copies.get(name);
    if (kept) return kept;
    const copy = semaphore.run([], () => compressOffThread(text, coding, levels[coding]));
    copies.set(name, copy, { size: text.length });
    copy.catch(() => copies.delete(name));
    return copy;
  }

  async function compressLarge(response: JsonResponse, coding: Coding): Promise<Sent> {
    const text = Buffer.from(response.written);
    const copy = await copyOf(text, coding).catch(() => undefined);
    return copy ? encoded(response, coding, copy) : { response, bytes: text.length };
  }

  /** Never rejects. */
  return function compress(request: Request, response: Response): Sent | Promise<Sent> {
    if (request.method === "HEAD") return { response, bytes: 0 };
    if (!(response instanceof JsonResponse))
      return { response, bytes: Number(response.headers.get("content-length")) };
    const { written } = response;
    const bytes = Buffer.byteLength(written);
    const coding =
      bytes < worthwhileBytes ? undefined : preferredCoding(request.headers.get("accept-encoding"));
    if (!coding) return { response, bytes };
    if (bytes >= largeBytes[coding]) return compressLarge(response, coding);
    const copy =
      coding === "zstd"
        ? Bun.zstdCompressSync(written, { level: levels.zstd })
        : Bun.gzipSync(written, { level: levels.gzip });
    return encoded(response, coding, new Uint8Array(copy));
  };
}

function encoded({ headers, status }: Response, coding: Coding, copy: Bytes): Sent {
  headers.set("content-encoding", coding);
  return { response: new Response(copy, { status, headers }), bytes: copy.length };
}

/** Compresses on a thread of the runtime's pool, so that the event loop stays free. */
export const compressOffThread = (text: Bytes, coding: Coding, level: number): Promise<Bytes> =>
  coding === "zstd" ? (Bun.zstdCompress(text, { level }) as Promise<Bytes>) : gzip(text, { level });

async function gzip(text: Bytes, options: ZlibOptions): Promise<Bytes> {
  const zlib = await import("node:zlib");
  return promisify(zlib.gzip)(text, options) as Promise<Bytes>;
}

export type Compress = ReturnType<typeof createCompression>;

/**
 * Chooses the coding that Accept-Encoding (RFC 9110, 12.5.3) prefers; undefined for no compression. zstd must be named,
 * because a client that sends `*` may not support it.
 */
export function preferredCoding(accepted: string | null): Coding | undefined {
  if (!accepted) return undefined;
  const quality = new Map<string, number>();
  for (const entry of accepted.toLowerCase().split(",")) {
    const [name = "", ...parameters] = entry.split(";").map((text) => text.trim());
    const q = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2);
    quality.set(name, q === undefined ? 1 : Number(q) || 0);
  }
  const others = quality.get("*") ?? 0;
  const zstd = quality.get("zstd") ?? 0;
  const gzip = quality.get("gzip") ?? others;
  const best = Math.max(zstd, gzip);
  if (best === 0 || best < (quality.get("identity") ?? others)) return undefined;
  return zstd === best ? "zstd" : "gzip";
}
