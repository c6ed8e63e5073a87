import { ApiError } from "../../errors.ts";

/** Checksum, Tus-Checksum-Algorithm: "The Server MUST support at least the SHA1 checksum algorithm identified by sha1." */
const algorithms = ["sha1", "sha256"] as const;
type Algorithm = (typeof algorithms)[number];
export const checksumAlgorithms = algorithms.join(",");

const digestBytes: Readonly<Record<Algorithm, number>> = { sha1: 20, sha256: 32 };

/** The checksum that a client sends with a body. */
export class Checksum {
  readonly #hash: Bun.CryptoHasher;

  private constructor(
    algorithm: Algorithm,
    private readonly expected: Buffer,
  ) {
    this.#hash = new Bun.CryptoHasher(algorithm);
  }

  /**
   * Reads `Upload-Checksum`: "the name of the used checksum algorithm and the Base64 encoded checksum separated by a
   * space."
   * @returns undefined without the header
   * @throws ApiError BAD_CHECKSUM: "400 Bad Request if the checksum algorithm is not supported by the server"
   */
  static read(headers: Headers): Checksum | undefined {
    const header = headers.get("upload-checksum");
    if (header === null) return undefined;
    const [, name, value = ""] = /^([a-z0-9]{1,20}) ([A-Za-z0-9+/]{1,100}={0,2})$/.exec(header) ?? [];
    const algorithm = algorithms.find((known) => known === name);
    const expected = Buffer.from(value, "base64");
    if (!algorithm || expected.length !== digestBytes[algorithm]) throw new ApiError("BAD_CHECKSUM");
    return new Checksum(algorithm, expected);
  }

  update(chunk: Uint8Array): void {
    this.#hash.update(chunk);
  }

  /**
   * Checks the whole body: "460 Checksum Mismatch if the checksums do not match". The caller must then discard the body.
   * @throws ApiError CHECKSUM_MISMATCH
   */
  verify(): void {
    if (!this.expected.equals(this.#hash.digest())) throw new ApiError("CHECKSUM_MISMATCH");
  }
}
