import { open } from "node:fs/promises";

import type { YieldToEventLoop } from "../../concurrency/yield-to-event-loop.ts";

const chunkBytes = 1024 * 1024;

/** Returns the SHA-256 of a file in hex, for an upload that was begun by an earlier process. */
export async function hashOfFile(path: string, yieldToEventLoop: YieldToEventLoop): Promise<string> {
  const hash = new Bun.CryptoHasher("sha256");
  const buffer = Buffer.allocUnsafeSlow(chunkBytes);
  const file = await open(path, "r");
  try {
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, chunkBytes);
      if (bytesRead === 0) return hash.digest("hex");
      await yieldToEventLoop(async () => void hash.update(buffer.subarray(0, bytesRead)));
    }
  } finally {
    await file.close();
    buffer.buffer.transfer(0);
  }
}
