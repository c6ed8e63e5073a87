import type { ByteSource } from "../byte-source.ts";
import { isRestart, isSequential } from "./markers.ts";

/**
 * Decodes the code at the start of the next bits. An entry holds how many coefficients the code advances by in its upper
 * bits, and how many bits the code and its coefficient take in the lower eight. It is 0 for an invalid code.
 */
interface HuffmanTable {
  /** Entries by the next 16 bits. */
  readonly long: Uint16Array;
  /** Entries by the next 9 bits, for a table that fits into the processor's first cache; 0 also for the few longer codes. */
  readonly short: Uint16Array;
}
const maxCodeBits = 16;
const shortBits = 9;

/** Coefficients of a block. */
const coefficients = 64;
/** Most bits of a DC coefficient. */
const maxDcBits = 16;
/** Most zeros before an AC coefficient. A code of fewer zeros without a coefficient ends the block. */
const maxZeros = 15;
/** Identifiers of tables for AC coefficients begin here; those before are for DC coefficients. */
const firstAcTable = 0x10;

const bytesPerRead = 256 * 1024;
/** More than the longest MCU: ten blocks of 64 codes with their values, every byte stuffed. */
const maxMcuBytes = 8 * 1024;
/** Maximum bytes whose bits are buffered, every byte stuffed. */
const bufferedBytes = 8;

interface FrameComponent {
  readonly id: number;
  readonly across: number;
  readonly down: number;
}

interface Frame {
  readonly width: number;
  readonly height: number;
  readonly components: readonly FrameComponent[];
}

/** The tables of one block of 8 × 8 pixels. */
interface Block {
  readonly dc: HuffmanTable;
  readonly ac: HuffmanTable;
}

/**
 * Finds the end of the coded data of a sequential JPEG (ITU T.81 annex F.2) from its codes, without computing pixels.
 * Decoders skip the bytes between the last block and the next marker.
 */
export class JpegScans {
  readonly #tables = new Map<number, HuffmanTable>();
  #restartInterval = 0;
  /** Undefined before the first frame; null if scans are not sequential with Huffman coding. */
  #frame: Frame | null | undefined;

  /** @param content content of a DHT segment */
  addTables(content: Buffer): void {
    for (let at = 0; at + 17 <= content.length;) {
      const counts = content.subarray(at + 1, at + 17);
      const total = counts.reduce((sum, count) => sum + count, 0);
      const id = content.readUInt8(at);
      const entryOf = id < firstAcTable ? dcEntry : acEntry;
      const table = huffmanTable(counts, content.subarray(at + 17, at + 17 + total), entryOf);
      if (table) this.#tables.set(id, table);
      else this.#tables.delete(id);
      at += 17 + total;
    }
  }

  /** @param content content of a DRI segment */
  setRestartInterval(content: Buffer): void {
    this.#restartInterval = content.length < 2 ? 0 : content.readUInt16BE(0);
  }

  /** @param marker SOFn or DHP. @param content content of its segment */
  addFrame(marker: number, content: Buffer): void {
    const isFirst = this.#frame === undefined;
    this.#frame = isFirst && isSequential(marker) ? readFrame(content) : null;
  }

  /**
   * Finds the end of the last block of a scan.
   * @param header content of its SOS segment
   * @param from offset of the coded data
   * @param end offset of the marker that ends the scan
   * @returns undefined if the scan is not sequential with Huffman coding, incomplete or invalid
   */
  async end(source: ByteSource, header: Buffer, from: number, end: number): Promise<number | undefined> {
    const layout = this.#frame ? this.#layout(this.#frame, header) : undefined;
    if (!layout) return undefined;
    const { blocks, mcus } = layout;
    const buffer = Buffer.allocUnsafe(Math.min(bytesPerRead, end - from));
    let offset = from;
    let bits = new ScanBits(buffer.subarray(0, 0));
    for (let mcu = 0; mcu < mcus; mcu++) {
      const bufferEnd = offset + bits.data.length;
      if (bits.data.length - bits.at < maxMcuBytes && bufferEnd < end) {
        const before = Math.min(bits.at, bufferedBytes);
        offset += bits.at - before;
        const length = Math.min(buffer.length, end - offset);
        await source.readInto(buffer.subarray(0, length), offset);
        bits = bits.continueIn(buffer.subarray(0, length), before);
      }
      if (this.#restartInterval > 0 && mcu > 0 && mcu % this.#restartInterval === 0 && !bits.restart())
        return undefined;
      for (const block of blocks) if (!bits.skipBlock(block)) return undefined;
      if (bits.isExhausted) return undefined;
    }
    return offset + bits.usedBytes;
  }

  /** Returns the blocks of an MCU and the number of MCUs in the scan (ITU T.81 annex A.2). */
  #layout(
    { width, height, components }: Frame,
    header: Buffer,
  ): { blocks: Block[]; mcus: number } | undefined {
    const count = header.readUInt8(0);
    const maxAcross = Math.max(...components.map(({ across }) => across));
    const maxDown = Math.max(...components.map(({ down }) => down));
    const blocks: Block[] = [];
    let mcus = Math.ceil(width / (8 * maxAcross)) * Math.ceil(height / (8 * maxDown));
    for (let index = 0; index < count; index++) {
      const [id, tables = 0] = header.subarray(1 + index * 2, 3 + index * 2);
      const component = components.find((other) => other.id === id);
      const dc = this.#tables.get(tables >>> 4);
      const ac = this.#tables.get(firstAcTable | (tables & 15));
      if (!component || !dc || !ac) return undefined;
      const { across, down } = component;
      if (count === 1)
        mcus =
          Math.ceil(Math.ceil((width * across) / maxAcross) / 8) *
          Math.ceil(Math.ceil((height * down) / maxDown) / 8);
      for (let left = count === 1 ? 1 : across * down; left > 0; left--) blocks.push({ dc, ac });
    }
    return mcus > 0 && blocks.length > 0 && blocks.length <= 10 ? { blocks, mcus } : undefined;
  }
}

/** Reads the bits of coded data without the zeros stuffed after 0xFF, and ones after the end of the data. */
class ScanBits {
  at = 0;
  #buffer = 0;
  #count = 0;
  /** Bytes in the buffer that are past the end of the data. */
  #missingBytes = 0;

  constructor(readonly data: Buffer) {}

  /** Returns a reader that continues in another buffer, at offset `at`. */
  continueIn(data: Buffer, at: number): ScanBits {
    const bits = new ScanBits(data);
    bits.at = at;
    bits.#buffer = this.#buffer;
    bits.#count = this.#count;
    bits.#missingBytes = this.#missingBytes;
    return bits;
  }

  /** Whether more bits were read than the data has. */
  get isExhausted(): boolean {
    return this.#missingBytes * 8 > this.#count;
  }

  /** Bytes up to the last bit that was read. */
  get usedBytes(): number {
    let at = this.at;
    for (let unused = (this.#count >>> 3) - this.#missingBytes; unused > 0; unused--) {
      at -= at >= 2 && this.data[at - 1] === 0 && this.data[at - 2] === 0xff ? 2 : 1;
    }
    return at;
  }

  /** Skips the codes of a block; returns false for an invalid code. */
  skipBlock({ dc, ac }: Block): boolean {
    const { data } = this;
    let table = dc;
    // Local variables are quicker than fields, and separate statements than destructuring.
    let at = this.at;
    let buffer = this.#buffer;
    let count = this.#count;
    let missingBytes = this.#missingBytes;
    for (let index = 0; ;) {
      // Bits that a code has skipped and that were not buffered yet make the count negative.
      while (count <= 24) {
        const byte = at < data.length ? (data[at] as number) : 0xff;
        if (byte !== 0xff) at++;
        else if (data[at + 1] === 0) at += 2;
        else missingBytes++;
        buffer = (buffer << 8) | byte;
        count += 8;
      }
      if (index >= coefficients) break;
      const code = (buffer >>> (count - maxCodeBits)) & 0xffff;
      const entry = (table.short[code >>> (maxCodeBits - shortBits)] || table.long[code]) as number;
      if (entry === 0) return false;
      index += entry >>> 8;
      count -= entry & 0xff;
      table = ac;
    }
    this.at = at;
    this.#buffer = buffer;
    this.#count = count;
    this.#missingBytes = missingBytes;
    return true;
  }

  /** Skips a restart marker; returns false if there is none. */
  restart(): boolean {
    if ((this.#count >>> 3) - this.#missingBytes > 0) return false;
    this.#buffer = this.#count = this.#missingBytes = 0;
    if (this.data[this.at] !== 0xff) return false;
    while (this.data[this.at] === 0xff) this.at++;
    return isRestart(this.data[this.at++] ?? 0);
  }
}

/** Returns the entry for a code of this length: its value is the bits of a DC coefficient (ITU T.81 section F.1.2.1). */
const dcEntry = (length: number, value: number): number =>
  value > maxDcBits ? 0 : (1 << 8) | (length + value);

/** The same for a number of zeros and the bits of the AC coefficient after them (section F.1.2.2). */
function acEntry(length: number, value: number): number {
  const [zeros, bits] = [value >>> 4, value & 15];
  const endsBlock = bits === 0 && zeros < maxZeros;
  return ((endsBlock ? coefficients : zeros + 1) << 8) | (length + bits);
}

/**
 * Builds a table from the number of codes of each length and their values (ITU T.81 annex C.2); undefined if invalid.
 */
function huffmanTable(
  counts: Buffer,
  values: Buffer,
  entryOf: (length: number, value: number) => number,
): HuffmanTable | undefined {
  const [long, short] = [new Uint16Array(1 << maxCodeBits), new Uint16Array(1 << shortBits)];
  let [code, index] = [0, 0];
  for (const [at, count] of counts.entries()) {
    const length = at + 1;
    for (let left = count; left > 0; left--) {
      const value = values[index++];
      if (code >= 1 << length || value === undefined) return undefined;
      const entry = entryOf(length, value);
      const fill = (table: Uint16Array, bits: number) =>
        table.fill(entry, code << (bits - length), (code + 1) << (bits - length));
      fill(long, maxCodeBits);
      if (length <= shortBits) fill(short, shortBits);
      code++;
    }
    code <<= 1;
  }
  return { long, short };
}

function readFrame(content: Buffer): Frame | null {
  if (content.length < 6 || content.length < 6 + content.readUInt8(5) * 3) return null;
  const components = Array.from({ length: content.readUInt8(5) }, (_, index) => {
    const [id = 0, factors = 0] = content.subarray(6 + index * 3);
    return { id, across: factors >>> 4, down: factors & 15 };
  });
  const [height, width] = [content.readUInt16BE(1), content.readUInt16BE(3)];
  const isValid = components.every(
    ({ across, down }) => across >= 1 && across <= 4 && down >= 1 && down <= 4,
  );
  return isValid && height > 0 ? { width, height, components } : null;
}
