/** The checksum and the length of a stream. */
export interface StreamFacts {
  /** In hex. */
  readonly sha256: string;
  readonly bytes: number;
}

/** Passes a stream on. `facts` returns those of the bytes that were read so far. */
export function hashed(stream: AsyncIterable<Uint8Array>): {
  readonly stream: AsyncIterable<Uint8Array>;
  facts(): StreamFacts;
} {
  const hash = new Bun.CryptoHasher("sha256");
  let bytes = 0;
  return {
    stream: (async function* () {
      for await (const chunk of stream) {
        hash.update(chunk);
        bytes += chunk.length;
        yield chunk;
      }
    })(),
    facts: () => ({ sha256: hash.digest("hex"), bytes }),
  };
}

/** Reads a stream to its end. */
export async function factsOf(stream: AsyncIterable<Uint8Array>): Promise<StreamFacts> {
  const read = hashed(stream);
  for await (const _ of read.stream);
  return read.facts();
}
