/** Random choices that a seed repeats. */
export interface SeededRandom {
  /** A whole number from 0 up to `below`, not included. */
  integer(below: number): number;
  pick<T>(values: readonly T[]): T;
  /** True this often, of 1. */
  chance(of: number): boolean;
}

/** Mulberry32: small, and good enough to choose tests. */
export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const integer = (below: number) => Math.floor(next() * below);
  return { integer, pick: (values) => values[integer(values.length)]!, chance: (of) => next() < of };
}
