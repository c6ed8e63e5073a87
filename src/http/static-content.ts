import { compressOffThread, preferredCoding, type Coding } from "./compression.ts";
import { isUnchanged } from "./preconditions.ts";

/** Compressed once and sent often. */
const levels = { zstd: 12, gzip: 6 } as const;

/** Content that does not change while the process runs. */
export interface StaticContent {
  readonly type: string;
  /** Asked for once, with the first request. */
  load(): Promise<Uint8Array<ArrayBuffer>>;
  /** `immutable`: the address changes with the content. */
  readonly immutable: boolean;
  readonly headers?: Record<string, string>;
}

/**
 * Answers requests for unchanging text: with an ETag (weak, because compressed copies share it) and 304 (RFC 9110, 13), compressed once for all who ask for it,
 * kept for ever by browsers where the address changes with the content.
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
      vary: "accept-encoding",
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

/** For content that is part of the program's text. */
export const fromText = (text: string) => async (): Promise<Uint8Array<ArrayBuffer>> =>
  new TextEncoder().encode(text);

/** For a file that was embedded in the program. */
export const fromFile = (path: string) => async (): Promise<Uint8Array<ArrayBuffer>> =>
  new Uint8Array(await Bun.file(path).arrayBuffer());
