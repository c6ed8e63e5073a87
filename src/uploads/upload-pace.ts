import { silenceSeconds } from "../http/connections.ts";

/** Seconds that are looked at together: a phone that loses its network for half of them still keeps up. */
const looked = 40;
/** Seconds that every upload has to get going. */
const patience = 20;
/** Bytes a second: a weak phone link has 8,000. */
const slowest = 1000;

/**
 * Whether an upload comes as quickly as the weakest link can send. Only the last seconds count: who has sent much
 * could otherwise trickle for hours. Silence is too slow after {@link silenceSeconds} in any case.
 */
export class Pace {
  readonly #seconds: number[] = [];
  #silent = 0;

  /** @param bytes what came in one more second of waiting for the client */
  isTooSlow(bytes: number): boolean {
    this.#silent = bytes === 0 ? this.#silent + 1 : 0;
    this.#seconds.push(bytes);
    if (this.#seconds.length > looked) this.#seconds.shift();
    const { length } = this.#seconds;
    if (this.#silent >= silenceSeconds) return true;
    return length > patience && this.#seconds.reduce((sum, each) => sum + each) < length * slowest;
  }
}
