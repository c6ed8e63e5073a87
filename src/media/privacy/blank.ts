import { open } from "node:fs/promises";

import type { Patch } from "./plan.ts";

const zeros = Buffer.alloc(256 * 1024);

/**
 * Writes the patches into the file at `path`. A failure may leave some unwritten: the file is then not to be used.
 * @throws the file system's errors
 */
export async function blank(path: string, patches: readonly Patch[]): Promise<void> {
  if (patches.length === 0) return;
  const target = await open(path, "r+");
  try {
    for (const { offset, bytes } of patches) {
      const length = typeof bytes === "number" ? bytes : bytes.length;
      for (let done = 0; done < length;) {
        const part = typeof bytes === "number" ? zeros.subarray(0, length - done) : bytes.subarray(done);
        done += (await target.write(part, 0, part.length, offset + done)).bytesWritten;
      }
    }
  } finally {
    await target.close();
  }
}
