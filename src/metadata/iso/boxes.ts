import type { ByteSource } from "../byte-source.ts";
import { damaged } from "../damaged.ts";

/** A box of the ISO base media file format (ISO/IEC 14496-12 section 4.2), called an atom in QuickTime. */
export interface Box {
  readonly type: string;
  readonly offset: number;
  /** Start of the content, after a header of 8 or 16 bytes. */
  readonly body: number;
  readonly end: number;
}

/** Reads the boxes of a file. Each box on any level spends a structure element. */
export class BoxReader {
  constructor(readonly source: ByteSource) {}

  /** Returns the box at `offset`, or undefined if none fits before `end`. Size 0 means up to `end`. */
  async at(offset: number, end: number): Promise<Box | undefined> {
    if (offset + 8 > end) return undefined;
    this.source.budget.elements.spend();
    const head = await this.source.readUpTo(offset, 16);
    const type = head.toString("latin1", 4, 8);
    let size = head.readUInt32BE(0);
    let body = offset + 8;
    if (size === 0) size = end - offset;
    else if (size === 1) {
      if (offset + 16 > end) return undefined;
      size = Number(head.readBigUInt64BE(8));
      body = offset + 16;
    }
    if (offset + size < body || offset + size > end) return undefined;
    return { type, offset, body, end: offset + size };
  }

  /**
   * Returns the boxes in a range. QuickTime may end a list with four zeros; fewer than eight bytes are padding.
   * @throws ApiError DAMAGED_MEDIA for a box that does not fit
   */
  async within(from: number, end: number): Promise<Box[]> {
    const boxes: Box[] = [];
    for (let offset = from; offset + 8 <= end;) {
      const box = await this.at(offset, end);
      if (!box) throw damaged(`no box at ${offset}`);
      if (box.type === "\0\0\0\0") break;
      boxes.push(box);
      offset = box.end;
    }
    return boxes;
  }

  async children(box: Box): Promise<Box[]> {
    return this.within(box.body, box.end);
  }

  /** Follows a path of box types, taking the first match on each level. */
  async find(box: Box, ...path: string[]): Promise<Box | undefined> {
    let found: Box | undefined = box;
    for (const type of path) {
      if (!found) return undefined;
      found = (await this.children(found)).find((child) => child.type === type);
    }
    return found;
  }

  /**
   * Returns the content of a box, or its first `length` bytes.
   * @throws ApiError DAMAGED_MEDIA for a shorter box
   */
  async content(box: Box, length = box.end - box.body): Promise<Buffer> {
    if (length > box.end - box.body) throw damaged(`a short ${box.type}`);
    return this.source.read(box.body, length);
  }
}
