import { untilAborted } from "../concurrency/until-aborted.ts";

/** The minimum that a reader must take in each window. Only the time for which the writer waits for it counts. */
export interface ReadingPace {
  readonly windowMs: number;
  readonly minBytes: number;
}

/** What may happen to a {@link pacedPipe} before its writer ends. Both should abort the pipe's signal. */
export interface PipeEvents {
  cancelled(): void;
  tooSlow(): void;
}

/**
 * Connects a writer with a reader: every write waits until the reader asks for it, and fails when the signal aborts. Unlike
 * a TransformStream of Bun, it does not leave a write waiting when the reader cancels.
 */
export function pacedPipe(signal: AbortSignal, pace: ReadingPace, { cancelled, tooSlow }: PipeEvents) {
  const checked = createPaceCheck(pace, tooSlow);
  let demand = Promise.withResolvers<void>();
  let output: ReadableStreamDefaultController<Uint8Array> | undefined;
  const readable = new ReadableStream<Uint8Array>(
    { start: (controller) => void (output = controller), pull: () => demand.resolve(), cancel: cancelled },
    { highWaterMark: 0 },
  );
  const writable = new WritableStream<Uint8Array>({
    async write(chunk) {
      await checked(chunk.length, () => untilAborted(signal, () => demand.promise));
      demand = Promise.withResolvers();
      output?.enqueue(chunk);
    },
    close: () => output?.close(),
  });
  // An error without a reason, because Bun would print it to standard error. The connection closes, so the client sees a
  // failed download.
  return { readable, writable, fail: () => output?.error() };
}

/**
 * Creates a function that waits for the reader to take some bytes. Only this waiting counts, so that a slow source never
 * makes a reader too slow.
 * @param tooSlow called when a window has passed in which the reader took too little
 */
function createPaceCheck({ windowMs, minBytes }: ReadingPace, tooSlow: () => void) {
  let leftMs = windowMs;
  let taken = 0;
  return async (bytes: number, wait: () => Promise<void>): Promise<void> => {
    let since = performance.now();
    const endWindow = () => {
      if (taken < minBytes) return tooSlow();
      [leftMs, taken, since] = [windowMs, 0, performance.now()];
      timer = setTimeout(endWindow, leftMs);
    };
    let timer = setTimeout(endWindow, leftMs);
    try {
      await wait();
    } finally {
      clearTimeout(timer);
    }
    leftMs = Math.max(0, leftMs - (performance.now() - since));
    taken += bytes;
  };
}
