import { open } from "node:fs/promises";

import type { StoredContent } from "./media-store.ts";

/** Larger chunks are faster, but leave more memory to the garbage collector: 256 KB add 30 MB to the peak of an export. */
const chunkBytes = 64 * 1024;

/**
 * Opens a file and returns its length and a stream of its bytes, which closes the file at its end, when it is cancelled and
 * when the signal aborts. Nothing is read ahead.
 * @throws the file system's error when the file cannot be opened
 */
export async function fileStream(path: string, signal: AbortSignal): Promise<StoredContent> {
  const file = await open(path, "r");
  const { size: bytes } = await file.stat().catch(async (error: unknown) => {
    await file.close();
    throw error;
  });
  const close = () => {
    signal.removeEventListener("abort", abort);
    return file.close();
  };
  let abort = () => {};
  const stream = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        abort = () => {
          controller.error(signal.reason);
          void close();
        };
        if (signal.aborted) abort();
        else signal.addEventListener("abort", abort, { once: true });
      },
      async pull(controller) {
        const { bytesRead, buffer } = await file.read(new Uint8Array(chunkBytes), 0, chunkBytes);
        if (signal.aborted) return;
        if (bytesRead > 0) return controller.enqueue(buffer.subarray(0, bytesRead));
        controller.close();
        await close();
      },
      cancel: close,
    },
    { highWaterMark: 0 },
  );
  return { stream, bytes };
}
