import { compressOffThread, preferredCoding, type Coding } from "./compression.ts";
import { isUnchanged } from "./preconditions.ts";

/** Higher than for other responses, because the content is compressed once and sent often. */
const levels = { zstd: 12, gzip: 6 } as const;

/** Content that does not change while the process runs. */
export interface StaticContent {
  readonly type: string;
  /** Called once, by the first request. */
  load(): Promise<Uint8Array<ArrayBuffer>>;
  /** Whether the URL changes with the content, so that browsers may keep it for a year. */
  readonly immutable: boolean;
  readonly headers?: Record<string, string>;
  /** The request header that selects this content, if any, for `Vary`. */
  readonly chosenBy?: string;
}

/**
 * Returns a function that responds to GET requests with the content, or with 304 (RFC 9110, 13). Each compressed copy
 * is made once. The ETag is weak, because compressed copies share it.
 */
export function staticContent(content: StaticContent): (request: Request) => Promise<Response> {
  let loading: Promise<{ bytes: Uint8Array<ArrayBuffer>; etag: string }> | undefined;
  const copies = new Map<Coding, Promise<Uint8Array<ArrayBuffer>>>();

  async function load() {
    const bytes = await content.load();
    return { bytes, etag: `W/"${Bun.hash(bytes).toString(36)}"` };
  }

  return async (request) => {
    loading ??= load();
    const { bytes, etag } = await loading;
    const headers: Record<string, string> = {
      ...content.headers,
      "cache-control": content.immutable ? "public, max-age=31536000, immutable" : "no-cache",
      "content-type": content.type,
      etag,
      vary: content.chosenBy ? `accept-encoding, ${content.chosenBy}` : "accept-encoding",
    };
    if (isUnchanged(request.headers, { etag })) return new Response(null, { status: 304, headers });
    const coding = preferredCoding(request.headers.get("accept-encoding"));
    if (!coding)
      return new Response(bytes, { headers: { ...headers, "content-length": String(bytes.length) } });
    let copying = copies.get(coding);
    if (!copying) copies.set(coding, (copying = compressOffThread(bytes, coding, levels[coding])));
    const copy = await copying;
    const length = String(copy.length);
    return new Response(copy, {
      headers: { ...headers, "content-encoding": coding, "content-length": length },
    });
  };
}

/** Loads content that is a string in the program. */
export const fromText = (text: string) => async (): Promise<Uint8Array<ArrayBuffer>> =>
  new TextEncoder().encode(text);

/** Loads a file that is embedded in the executable. */
export const fromFile = (path: string) => async (): Promise<Uint8Array<ArrayBuffer>> =>
  new Uint8Array(await Bun.file(path).arrayBuffer());
