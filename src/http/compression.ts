import { promisify } from "node:util";
import zlib from "node:zlib";

import { SizeBoundedCache } from "../caching/size-bounded-cache.ts";
import { createFairSemaphore } from "../concurrency/fair-semaphore.ts";
import { JsonAnswer } from "./json-answer.ts";

export type Coding = "zstd" | "gzip";
type Bytes = Uint8Array<ArrayBuffer>;

/** Below this many bytes compressing costs more than it saves. */
const worthwhileBytes = 1024;

/**
 * From this many bytes on another thread compresses. Here that would hold up every other request by more than a
 * millisecond (gzip takes up to 16 ms a megabyte, zstd 3 ms); below, handing it over costs as much as doing it.
 */
const largeBytes = { zstd: 256 * 1024, gzip: 64 * 1024 } as const;

/** Bytes of the texts whose compressed copies are kept; of the copies that is a fifth or so. */
const capacityBytes = 16 * 1024 ** 2;

/** Half the time of the libraries' defaults, for 2 % more bytes of a page of the feed with gzip, 3 % fewer with zstd. */
const levels = { zstd: 1, gzip: 2 } as const;

/** An answer to send, and how many bytes its body has. */
export interface Sent {
  readonly response: Response;
  readonly bytes: number;
}

/**
 * Compresses JSON answers when the client asks for it and it is worth it. Media are compressed already, pages bring
 * compressed copies of their own.
 *
 * Large texts are compressed once for all who ask for the same within a while, off the event loop and one at a time:
 * the threads that do it also read files and hash passwords. When too many wait, an answer goes out as it is.
 */
export function createCompression() {
  const semaphore = createFairSemaphore({ concurrency: 1, queueLimit: 8 });
  const copies = new SizeBoundedCache<Promise<Bytes>>(capacityBytes);

  function copyOf(text: Buffer<ArrayBuffer>, coding: Coding): Promise<Bytes> {
    const name = `${coding} ${new Bun.CryptoHasher("sha256").update(text).digest("base64")}`;
    const kept = copies.get(name);
    if (kept) return kept;
    const copy = semaphore.run([], () => compressOffThread(text, coding, levels[coding]));
    copies.set(name, copy, text.length);
    copy.catch(() => copies.delete(name));
    return copy;
  }

  async function compressLarge(answer: JsonAnswer, coding: Coding): Promise<Sent> {
    const text = Buffer.from(answer.written);
    const copy = await copyOf(text, coding).catch(() => undefined);
    return copy ? encoded(answer, coding, copy) : { response: answer, bytes: text.length };
  }

  /** Never rejects. */
  return function compress(request: Request, response: Response): Sent | Promise<Sent> {
    if (request.method === "HEAD") return { response, bytes: 0 };
    if (!(response instanceof JsonAnswer))
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

const gzip = promisify(zlib.gzip) as (text: Uint8Array, options: zlib.ZlibOptions) => Promise<Bytes>;

/** Compresses on a thread of the runtime's pool: the event loop goes on meanwhile. */
export const compressOffThread = (text: Bytes, coding: Coding, level: number): Promise<Bytes> =>
  coding === "zstd" ? (Bun.zstdCompress(text, { level }) as Promise<Bytes>) : gzip(text, { level });

export type Compress = ReturnType<typeof createCompression>;

/**
 * The coding that Accept-Encoding (RFC 9110, 12.5.3) likes best of those we have; undefined where that is none. zstd has to
 * be named: a client that writes `*` may not know it.
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
