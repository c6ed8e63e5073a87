import { silenceSeconds } from "../http/connections.ts";

/** Seconds over which the rate is averaged. A phone that loses its network for half of them can still pass. */
const windowSeconds = 40;
/** Seconds after the start of an upload before its rate is checked. */
const startSeconds = 20;
/** A weak mobile connection reaches 8,000. */
const minBytesPerSecond = 1000;

/**
 * Detects uploads slower than the weakest connection could send. Only the latest seconds count, because a client could
 * otherwise send much at first and then trickle for hours. After {@link silenceSeconds} without data, an upload is
 * always too slow.
 */
export class Pace {
  readonly #seconds: number[] = [];
  #silentSeconds = 0;

  /** @param bytes received in one more second of waiting for the client */
  isTooSlow(bytes: number): boolean {
    this.#silentSeconds = bytes === 0 ? this.#silentSeconds + 1 : 0;
    this.#seconds.push(bytes);
    if (this.#seconds.length > windowSeconds) this.#seconds.shift();
    const { length } = this.#seconds;
    if (this.#silentSeconds >= silenceSeconds) return true;
    return (
      length > startSeconds && this.#seconds.reduce((sum, each) => sum + each) < length * minBytesPerSecond
    );
  }
}
