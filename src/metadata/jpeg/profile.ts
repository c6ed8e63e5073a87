import { cleanProfile } from "../icc.ts";
import { app2 } from "./markers.ts";
import { segmentOf, startsWith } from "./segments.ts";

const signature = "ICC_PROFILE\0";
/** Bytes before a part: the signature, the number of the part and the number of parts. */
const headBytes = signature.length + 2;
const maxPartBytes = 65_533 - headBytes;

/** The colour profile of a JPEG, which is split into numbered parts of up to 64 kB (ICC.1:2022 annex B.4). */
export class JpegProfile {
  readonly #parts = new Map<number, Buffer>();
  #count = 0;
  #isContradictory = false;

  /** Adds the content of an APP2 segment; ignores anything but a part of a profile. */
  add(content: Buffer): void {
    if (!startsWith(content, signature) || content.length < headBytes) return;
    const [number = 0, count = 0] = content.subarray(signature.length);
    this.#isContradictory ||= this.#parts.has(number) || (this.#count > 0 && count !== this.#count);
    this.#count = count;
    if (!this.#isContradictory) this.#parts.set(number, Buffer.from(content.subarray(headBytes)));
  }

  /** Returns the rebuilt profile; undefined if there is none, or one that decoders ignore. */
  clean(): Buffer | undefined {
    const parts: Buffer[] = [];
    for (let number = 1; number <= this.#count; number++) {
      const part = this.#parts.get(number);
      if (!part) return undefined;
      parts.push(part);
    }
    return this.#isContradictory || parts.length === 0 ? undefined : cleanProfile(Buffer.concat(parts));
  }

  /** Yields the segments that hold a profile. */
  *segments(profile: Buffer): Generator<Buffer> {
    const count = Math.ceil(profile.length / maxPartBytes);
    for (let number = 1; number <= count; number++)
      yield segmentOf(
        app2,
        Buffer.concat([
          Buffer.from(signature, "latin1"),
          Buffer.from([number, count]),
          profile.subarray((number - 1) * maxPartBytes, number * maxPartBytes),
        ]),
      );
  }
}
