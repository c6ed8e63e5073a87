import { open } from "node:fs/promises";

/** A stream has more bytes than expected. */
export class StreamTooLong extends Error {
  override readonly name = "StreamTooLong";
}

/**
 * Writes a stream to a new file that only its owner can read.
 * @param maxBytes limit on the length of the stream
 * @throws StreamTooLong; the stream's error; the file system's error
 */
export async function saveStream(
  stream: AsyncIterable<Uint8Array>,
  path: string,
  maxBytes: number,
): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    let bytes = 0;
    for await (const chunk of stream) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw new StreamTooLong(`the file has more than ${maxBytes} bytes`);
      await file.writeFile(chunk);
    }
  } finally {
    await file.close();
  }
}
