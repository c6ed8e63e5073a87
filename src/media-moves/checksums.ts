import type { MediaStore } from "../storage/media-store.ts";

/** The length and the checksum of bytes. */
export interface Checksum {
  readonly bytes: number;
  /** In hex. */
  readonly hash: string;
}

/** Computes a checksum of bytes as they pass. */
export interface Checksummer {
  update(chunk: Uint8Array): void;
  result(): Checksum;
}

/** Creates a checksummer for copies in a store: with MD5 where the store reports the MD5 of its files, otherwise with SHA-256. */
export function checksummerFor(store: MediaStore): Checksummer {
  const hasher = new Bun.CryptoHasher(store.md5 ? "md5" : "sha256");
  let bytes = 0;
  return {
    update(chunk) {
      hasher.update(chunk);
      bytes += chunk.length;
    },
    result: () => ({ bytes, hash: hasher.digest("hex") }),
  };
}

/** Reads a stream to its end. */
export async function checksumOf(
  stream: ReadableStream<Uint8Array>,
  checksummer: Checksummer,
): Promise<Checksum> {
  for await (const chunk of stream) checksummer.update(chunk);
  return checksummer.result();
}

/** Returns a stream of the same bytes, which updates the checksummer as they are read. */
export const checked = <Bytes extends Uint8Array>(
  stream: ReadableStream<Bytes>,
  checksummer: Checksummer,
): ReadableStream<Bytes> =>
  stream.pipeThrough(
    new TransformStream<Bytes, Bytes>({
      transform(chunk, controller) {
        checksummer.update(chunk);
        controller.enqueue(chunk);
      },
    }),
  );
