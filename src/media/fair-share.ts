/** Milliseconds of work after which everybody else has a turn. */
const longest = 5;
let worked = 0;
let pause: Promise<void> | undefined;

/**
 * Does a piece of an upload's work once others have had their turn. The bodies of many uploads come in together, and
 * the work on fifty of them in one go holds up every other answer by a tenth of a second.
 * @param work counts for as long as it keeps the thread busy, not for what it waits for
 * @throws whatever the work throws
 */
export async function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
  while (worked >= longest) await (pause ??= nextTurn());
  const start = performance.now();
  try {
    return work();
  } finally {
    worked += performance.now() - start;
  }
}

const nextTurn = () =>
  new Promise<void>((resolve) =>
    setImmediate(() => {
      worked = 0;
      pause = undefined;
      resolve();
    }),
  );
