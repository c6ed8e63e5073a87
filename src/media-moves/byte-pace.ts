import { setTimeout as sleep } from "node:timers/promises";

/** Larger chunks are split so that the connection is used evenly. */
const maxStepBytes = 64 * 1024;

type Bytes = Uint8Array<ArrayBuffer>;

/** Limits the speed of all streams that share it. */
export interface BytePace {
  /** Returns the same bytes at the limited speed. Fails with the signal's reason when the signal aborts. */
  limit(stream: ReadableStream<Uint8Array>, signal: AbortSignal): ReadableStream<Bytes>;
}

/** @param bytesPerSecond of all streams together; undefined: no limit */
export function createBytePace(bytesPerSecond: number | undefined): BytePace {
  if (bytesPerSecond === undefined) return { limit: (stream) => stream as ReadableStream<Bytes> };
  let freeAt = 0;
  /** Waits until these bytes may pass. Unused time does not accumulate. */
  async function wait(bytes: number, signal: AbortSignal): Promise<void> {
    const now = performance.now();
    const startAt = Math.max(now, freeAt);
    freeAt = startAt + (bytes / bytesPerSecond!) * 1000;
    if (startAt > now) await sleep(startAt - now, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
  async function* steps(stream: ReadableStream<Uint8Array>, signal: AbortSignal) {
    for await (const chunk of stream as ReadableStream<Bytes>)
      for (let start = 0; start < chunk.length; start += maxStepBytes) {
        const step = chunk.subarray(start, start + maxStepBytes);
        await wait(step.length, signal);
        yield step;
      }
  }
  return {
    limit(stream, signal) {
      const bytes = steps(stream, signal);
      return new ReadableStream(
        {
          async pull(controller) {
            const { done, value } = await bytes.next();
            if (done) controller.close();
            else controller.enqueue(value);
          },
          cancel: async () => void (await bytes.return()),
        },
        { highWaterMark: 0 },
      );
    },
  };
}
