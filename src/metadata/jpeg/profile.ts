import { cleanProfile } from "../icc.ts";
import { segmentOf, startsWith } from "./segments.ts";

const app2 = 0xe2;
const signature = "ICC_PROFILE\0";
/** Of the signature, the number of a part and how many there are. */
const headBytes = signature.length + 2;
const maxPartBytes = 65_533 - headBytes;

/** The colour profile of a JPEG, which comes in numbered parts of up to 64 kB (ICC.1:2022 annex B.4). */
export class JpegProfile {
  readonly #parts = new Map<number, Buffer>();
  #count = 0;
  #isContradictory = false;

  /** @param content of an APP2 segment; anything but a part is passed over */
  add(content: Buffer): void {
    if (!startsWith(content, signature) || content.length < headBytes) return;
    const [number = 0, count = 0] = content.subarray(signature.length);
    this.#isContradictory ||= this.#parts.has(number) || (this.#count > 0 && count !== this.#count);
    this.#count = count;
    if (!this.#isContradictory) this.#parts.set(number, Buffer.from(content.subarray(headBytes)));
  }

  /** The profile, made anew of what colours need; undefined where there is none that decoders use. */
  clean(): Buffer | undefined {
    const parts: Buffer[] = [];
    for (let number = 1; number <= this.#count; number++) {
      const part = this.#parts.get(number);
      if (!part) return undefined;
      parts.push(part);
    }
    return this.#isContradictory || parts.length === 0 ? undefined : cleanProfile(Buffer.concat(parts));
  }

  /** The segments that hold a profile. */
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
