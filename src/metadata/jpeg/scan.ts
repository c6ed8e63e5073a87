import type { ByteSource } from "../byte-source.ts";

/** Sequential frames coded by Huffman's method (ITU T.81 table B.1). */
const sequentialFrames = [0xc0, 0xc1];

/** Codes of up to 16 bits: for each start of a code its length, shifted by eight bits, and what it stands for. */
type HuffmanTable = Uint16Array;
const longestCode = 16;

const bytesPerRead = 256 * 1024;
/** More than the longest MCU: ten blocks of 64 codes with their numbers, all of them stuffed. */
const maxMcuBytes = 8 * 1024;
/** Of bytes that were read and whose bits were not taken yet, all of them stuffed. */
const waitingBytes = 8;

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
 * Finds out where the coded data of a sequential JPEG ends (ITU T.81 annex F.2), by its codes alone: no pixel is
 * computed. What follows the last block, up to the next marker, is passed over by decoders.
 */
export class JpegScans {
  readonly #tables = new Map<number, HuffmanTable>();
  #restartInterval = 0;
  /** Undefined before the first frame; null where scans are coded in another way. */
  #frame: Frame | null | undefined;

  /** @param content of a DHT segment */
  addTables(content: Buffer): void {
    for (let at = 0; at + 17 <= content.length;) {
      const counts = content.subarray(at + 1, at + 17);
      const total = counts.reduce((sum, count) => sum + count, 0);
      const table = huffmanTable(counts, content.subarray(at + 17, at + 17 + total));
      const id = content.readUInt8(at);
      if (table) this.#tables.set(id, table);
      else this.#tables.delete(id);
      at += 17 + total;
    }
  }

  /** @param content of a DRI segment */
  setRestartInterval(content: Buffer): void {
    this.#restartInterval = content.length < 2 ? 0 : content.readUInt16BE(0);
  }

  /** @param marker SOFn or DHP. @param content of its segment */
  addFrame(marker: number, content: Buffer): void {
    const isFirst = this.#frame === undefined;
    this.#frame = isFirst && sequentialFrames.includes(marker) ? readFrame(content) : null;
  }

  /**
   * Where the last block of a scan ends; undefined where it is coded in another way, or not whole and sound.
   * @param header the content of its SOS segment
   * @param end where the next marker is that ends the scan
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
        const before = Math.min(bits.at, waitingBytes);
        offset += bits.at - before;
        const length = Math.min(buffer.length, end - offset);
        await source.readInto(buffer.subarray(0, length), offset);
        bits = bits.continueIn(buffer.subarray(0, length), before);
      }
      if (this.#restartInterval > 0 && mcu > 0 && mcu % this.#restartInterval === 0 && !bits.restart())
        return undefined;
      for (const block of blocks) if (!bits.skipBlock(block)) return undefined;
      if (bits.isOver) return undefined;
    }
    return offset + bits.usedBytes;
  }

  /** The blocks of an MCU, and how many MCUs the scan has (ITU T.81 annex A.2). */
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
      const ac = this.#tables.get(0x10 | (tables & 15));
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

/** The bits of coded data, without the zeros that are stuffed behind 0xFF; ones behind their end. */
class ScanBits {
  at = 0;
  #waiting = 0;
  #count = 0;
  /** Bytes among the waiting ones that the data does not have. */
  #missingBytes = 0;

  constructor(readonly data: Buffer) {}

  /** The same place in another buffer, where it is at `at`. */
  continueIn(data: Buffer, at: number): ScanBits {
    const bits = new ScanBits(data);
    bits.at = at;
    bits.#waiting = this.#waiting;
    bits.#count = this.#count;
    bits.#missingBytes = this.#missingBytes;
    return bits;
  }

  /** More bits were taken than the data has. */
  get isOver(): boolean {
    return this.#missingBytes * 8 > this.#count;
  }

  /** Bytes up to the last bit that was taken. */
  get usedBytes(): number {
    let at = this.at;
    for (let unused = (this.#count >>> 3) - this.#missingBytes; unused > 0; unused--) {
      at -= at >= 2 && this.data[at - 1] === 0 && this.data[at - 2] === 0xff ? 2 : 1;
    }
    return at;
  }

  /** Passes over the codes of a block; false where one is impossible. */
  skipBlock({ dc, ac }: Block): boolean {
    const size = this.#decode(dc);
    if (size < 0 || size > 16) return false;
    this.#skip(size);
    for (let index = 1; index < 64; index++) {
      const code = this.#decode(ac);
      if (code < 0) return false;
      const [zeros, bits] = [code >>> 4, code & 15];
      if (bits === 0 && zeros < 15) return true;
      index += zeros;
      this.#skip(bits);
    }
    return true;
  }

  /** Passes over a restart marker; false where there is none. */
  restart(): boolean {
    if ((this.#count >>> 3) - this.#missingBytes > 0) return false;
    this.#waiting = this.#count = this.#missingBytes = 0;
    if (this.data[this.at] !== 0xff) return false;
    while (this.data[this.at] === 0xff) this.at++;
    return ((this.data[this.at++] ?? 0) & 0xf8) === 0xd0;
  }

  #decode(table: HuffmanTable): number {
    if (this.#count < longestCode) this.#fill();
    const entry = table[(this.#waiting >>> (this.#count - longestCode)) & 0xffff] as number;
    if (entry === 0) return -1;
    this.#count -= entry >>> 8;
    return entry & 0xff;
  }

  #skip(bits: number): void {
    if (this.#count < bits) this.#fill();
    this.#count -= bits;
  }

  /** Makes at least 24 bits wait. */
  #fill(): void {
    while (this.#count <= 24) {
      let byte = this.data[this.at];
      if (byte === 0xff && this.data[this.at + 1] !== 0) byte = undefined;
      if (byte === undefined) this.#missingBytes++;
      else this.at += byte === 0xff ? 2 : 1;
      this.#waiting = (this.#waiting << 8) | (byte ?? 0xff);
      this.#count += 8;
    }
  }
}

/** The codes of a table (ITU T.81 annex C.2); undefined for an impossible one. */
function huffmanTable(counts: Buffer, values: Buffer): HuffmanTable | undefined {
  const table = new Uint16Array(1 << longestCode);
  let [code, index] = [0, 0];
  for (const [at, count] of counts.entries()) {
    const length = at + 1;
    for (let left = count; left > 0; left--) {
      const [from, to] = [code << (longestCode - length), (code + 1) << (longestCode - length)];
      const value = values[index++];
      if (to > table.length || value === undefined) return undefined;
      table.fill((length << 8) | value, from, to);
      code++;
    }
    code <<= 1;
  }
  return table;
}

function readFrame(content: Buffer): Frame | null {
  if (content.length < 6 || content.length < 6 + content.readUInt8(5) * 3) return null;
  const components = Array.from({ length: content.readUInt8(5) }, (_, index) => {
    const [id = 0, factors = 0] = content.subarray(6 + index * 3);
    return { id, across: factors >>> 4, down: factors & 15 };
  });
  const [height, width] = [content.readUInt16BE(1), content.readUInt16BE(3)];
  const isSound = components.every(
    ({ across, down }) => across >= 1 && across <= 4 && down >= 1 && down <= 4,
  );
  return isSound && height > 0 ? { width, height, components } : null;
}
