/** Random choices that a seed repeats. */
export interface SeededRandom {
  /** A whole number from 0 up to `below`, not included. */
  integer(below: number): number;
  pick<T>(values: readonly T[]): T;
  /** True this often, of 1. */
  chance(of: number): boolean;
  bytes(length: number): Uint8Array<ArrayBuffer>;
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
  return {
    integer,
    pick: (values) => values[integer(values.length)]!,
    chance: (of) => next() < of,
    bytes: (length) => Uint8Array.from({ length }, () => integer(256)),
  };
}

/** A test of random choices. When it fails, its seed is printed; TEST_SEED=… repeats the choices. */
export const seeded = (body: (random: SeededRandom) => Promise<void>) => async () => {
  const seed = Number(process.env["TEST_SEED"] ?? crypto.getRandomValues(new Uint32Array(1))[0]);
  try {
    await body(seededRandom(seed));
  } catch (error) {
    console.error(`To repeat the random choices of this test: TEST_SEED=${seed}`);
    throw error;
  }
};
