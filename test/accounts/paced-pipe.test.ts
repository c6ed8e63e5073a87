import { afterEach, beforeEach, describe, expect, jest, test } from "bun:test";

import { pacedPipe } from "../../src/accounts/paced-pipe.ts";

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

/** At least 100 bytes in each second of waiting. */
const pace = { windowMs: 1000, minBytes: 100 };

function openPipe() {
  const ended = new AbortController();
  const counts = { cancelled: 0, tooSlow: 0 };
  const { readable, writable } = pacedPipe(ended.signal, pace, {
    cancelled: () => (counts.cancelled += 1),
    tooSlow: () => (counts.tooSlow += 1),
  });
  const [reader, writer] = [readable.getReader(), writable.getWriter()];
  return {
    counts,
    ended,
    reader,
    write: (bytes: number) => writer.write(new Uint8Array(bytes)),
    /** Writes a chunk that the reader takes only after this time. */
    async takeAfter(ms: number, bytes: number) {
      const written = writer.write(new Uint8Array(bytes));
      await settle();
      jest.advanceTimersByTime(ms);
      await reader.read();
      await written;
    },
  };
}

/** Lets everything run that does not wait for a timer. */
async function settle() {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

describe("paced pipe", () => {
  test("paced pipe: a reader that takes nothing for the whole window is too slow, once", async () => {
    const { counts, ended, write } = openPipe();
    const written = write(1000).catch((error: unknown) => error);
    await settle();
    jest.advanceTimersByTime(999);
    expect(counts.tooSlow).toBe(0);
    jest.advanceTimersByTime(1);
    expect(counts.tooSlow).toBe(1);
    jest.advanceTimersByTime(10_000);
    expect(counts.tooSlow).toBe(1);
    ended.abort("too slow");
    expect(await written).toBe("too slow");
  });

  test("paced pipe: a reader that trickles is too slow, also after a quick start", async () => {
    const { counts, takeAfter } = openPipe();
    await takeAfter(0, 10_000_000);
    // The first window has the quick start.
    for (let takes = 0; takes < 11; takes++) await takeAfter(100, 5);
    expect(counts.tooSlow).toBe(0);
    for (let takes = 0; takes < 10; takes++) await takeAfter(100, 5);
    expect(counts.tooSlow).not.toBe(0);
  });

  test("paced pipe: a reader at the pace goes on for ever, with pauses shorter than the window", async () => {
    const { counts, takeAfter } = openPipe();
    for (let windows = 0; windows < 50; windows++) {
      await takeAfter(900, 100);
      await takeAfter(100, 0);
    }
    expect(counts.tooSlow).toBe(0);
  });

  test("paced pipe: time without anything to take does not count", async () => {
    const { counts, reader, takeAfter, write } = openPipe();
    await takeAfter(500, 1);
    for (let takes = 0; takes < 5; takes++) {
      const read = reader.read();
      await settle();
      jest.advanceTimersByTime(60_000);
      await write(1);
      await read;
    }
    await takeAfter(499, 1);
    expect(counts.tooSlow).toBe(0);
    await takeAfter(2, 1);
    expect(counts.tooSlow).toBe(1);
  });

  test("paced pipe: a reader that has cancelled is never too slow", async () => {
    const { counts, ended, reader, write } = openPipe();
    const written = write(1000).catch((error: unknown) => error);
    await reader.cancel();
    ended.abort("cancelled");
    expect(await written).toBe("cancelled");
    jest.advanceTimersByTime(10_000);
    expect(counts).toEqual({ cancelled: 1, tooSlow: 0 });
  });
});
