import { damaged } from "../byte-source.ts";
import type { Orientation } from "./exif.ts";

/** What the cleaning learned about a file on its way. */
export interface MediaFacts {
  /** How the stored pixels are to be turned for showing, by EXIF's numbers; 1 where the format says it in another way. */
  readonly orientation: Orientation;
  /** Pixels as shown (turned already); null where the file does not tell. */
  readonly size: { readonly width: number; readonly height: number } | null;
  /** False for a container without a picture, such as a sound in an MP4. */
  readonly hasPicture: boolean;
}

/** A part of the file to be: a range of the source, or bytes of our own. */
export type Piece = { readonly offset: number; readonly length: number } | Uint8Array;

/** A new file in pieces, for formats that are cleaned by keeping what is known. */
export interface Rewriting extends MediaFacts {
  readonly pieces: readonly Piece[];
}

/** Changes inside a file of unchanged size, for formats full of offsets. */
export interface Blanking extends MediaFacts {
  readonly patches: readonly Patch[];
}

/** Bytes to write at `offset`, or a number of zeros. */
export type Patch = { readonly offset: number; readonly bytes: Uint8Array | number };

/** More pieces or patches than any real file needs. */
const mostParts = 200_000;

/** Collects {@link Piece}s; ranges that touch become one. */
export class Pieces {
  readonly list: Piece[] = [];

  keep(offset: number, length: number): void {
    const last = this.list.at(-1);
    if (last && !(last instanceof Uint8Array) && last.offset + last.length === offset)
      this.list[this.list.length - 1] = { offset: last.offset, length: last.length + length };
    else this.#push({ offset, length });
  }

  add(bytes: Uint8Array): void {
    this.#push(bytes);
  }

  addAll(pieces: Pieces): void {
    for (const piece of pieces.list)
      if (piece instanceof Uint8Array) this.add(piece);
      else this.keep(piece.offset, piece.length);
  }

  get bytes(): number {
    return this.list.reduce((sum, piece) => sum + piece.length, 0);
  }

  #push(piece: Piece): void {
    if (this.list.length >= mostParts) throw damaged("too many parts");
    this.list.push(piece);
  }
}

/** Collects {@link Patch}es; zeros that touch become one. */
export class Patches {
  readonly list: Patch[] = [];
  #wiped = 0;

  constructor(readonly fileSize: number) {}

  write(offset: number, bytes: Uint8Array): void {
    this.#check(offset, bytes.length);
    this.list.push({ offset, bytes });
  }

  /** Zeros from `offset` up to `end`. */
  wipe(offset: number, end: number): void {
    const length = end - offset;
    if (length === 0) return;
    this.#check(offset, length);
    // Tables may name the same bytes again and again: a real file has each of its bytes wiped once, or twice.
    this.#wiped += length;
    if (this.#wiped > 2 * this.fileSize) throw damaged("tables name the same bytes many times");
    const last = this.list.at(-1);
    if (last && typeof last.bytes === "number" && last.offset + last.bytes === offset)
      this.list[this.list.length - 1] = { offset: last.offset, bytes: last.bytes + length };
    else this.list.push({ offset, bytes: length });
  }

  #check(offset: number, length: number): void {
    if (offset < 0 || length < 0 || offset + length > this.fileSize)
      throw damaged(`no ${length} bytes at ${offset}`);
    if (this.list.length >= mostParts) throw damaged("too many parts");
  }
}
