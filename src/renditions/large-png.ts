import { createInflate } from "node:zlib";

import { ByteSource } from "../metadata/byte-source.ts";
import { cutOff, damaged } from "../metadata/damaged.ts";
import { zlibOptions } from "../metadata/png/data.ts";
import { rowLengths } from "../metadata/png/rows.ts";

/** The largest filter type of a row (PNG third edition, section 9.2). */
const maxFilterType = 4;

/**
 * Checks in constant memory that the picture of a PNG is complete: its data inflates to every row, each with a valid
 * filter type. For pictures that are too large to decode.
 * @param path file of a PNG that planPng wrote
 * @throws ApiError DAMAGED_MEDIA; CUT_OFF_MEDIA if rows are missing
 */
export async function requireWholePng(path: string): Promise<void> {
  const source = await ByteSource.open(path);
  try {
    const rows = rowLengths(await source.read(16, 13));
    const inflate = createInflate(zlibOptions);
    let failure: Error | undefined;
    inflate.on("error", (error) => (failure ??= error));
    const closed = once(inflate, "close");
    const checker = new RowChecker(rows);
    inflate.on("data", (bytes: Buffer) => checker.take(bytes));
    for await (const data of pictureData(source)) {
      if (failure || checker.isDone || checker.hasBadFilter) break;
      if (!inflate.write(data)) await Promise.race([once(inflate, "drain"), closed]);
    }
    inflate.end();
    if (!failure && !checker.isDone && !checker.hasBadFilter)
      await Promise.race([once(inflate, "end"), closed]);
    inflate.destroy();
    if (checker.hasBadFilter) throw damaged("a row with an unknown filter");
    if (checker.isDone) return;
    // The code that zlib reports for data that ends too early.
    if (failure && (failure as NodeJS.ErrnoException).code !== "Z_BUF_ERROR")
      throw damaged(`not decodable: ${failure.message}`);
    throw cutOff("rows are missing");
  } finally {
    await source.close();
  }
}

const once = (emitter: NodeJS.EventEmitter, event: string) =>
  new Promise<void>((resolve) => void emitter.once(event, () => resolve()));

/** Counts inflated rows and checks their filter types. */
class RowChecker {
  hasBadFilter = false;
  #pass = 0;
  #rows = 0;
  /** Bytes of the current row that are still to come; 0 if the next byte is a filter type. */
  #missing = 0;

  constructor(private readonly passes: readonly { count: number; bytes: number }[]) {}

  get isDone(): boolean {
    return this.#pass === this.passes.length;
  }

  take(bytes: Buffer): void {
    for (let at = 0; at < bytes.length && !this.isDone;) {
      const { count, bytes: length } = this.passes[this.#pass]!;
      if (this.#missing === 0) {
        if (bytes[at]! > maxFilterType) this.hasBadFilter = true;
        this.#missing = length;
        at += 1;
      }
      const taken = Math.min(this.#missing, bytes.length - at);
      this.#missing -= taken;
      at += taken;
      if (this.#missing > 0 || ++this.#rows < count) continue;
      this.#rows = 0;
      this.#pass += 1;
    }
  }
}

/** Yields the content of all IDAT chunks in pieces. */
async function* pictureData(source: ByteSource): AsyncGenerator<Buffer> {
  const piece = 256 * 1024;
  for (let at = 8; at + 12 <= source.size;) {
    const head = await source.read(at, 8);
    const end = at + 8 + head.readUInt32BE(0);
    if (head.toString("latin1", 4, 8) === "IDAT")
      for (let from = at + 8; from < end; from += piece)
        // A copy, because the source reuses its buffer.
        yield Buffer.from(await source.read(from, Math.min(piece, end - from)));
    at = end + 4;
  }
}
