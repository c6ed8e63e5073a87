import type { ByteSource } from "./byte-source.ts";
import type { SourceColours } from "../colour/source-colours.ts";
import { damaged } from "./damaged.ts";
import type { Orientation } from "./exif.ts";
import type { InPlaceFile } from "./in-place-file.ts";

/** What was learned about a file while its metadata was removed. */
export interface MediaFacts {
  /** How the stored pixels are to be turned for showing, by EXIF's numbers; 1 where the format says it in another way. */
  readonly orientation: Orientation;
  /** Pixels as shown (turned already); null where the file does not tell. */
  readonly size: { readonly width: number; readonly height: number } | null;
  /**
   * Pixels of the largest picture that a decoder holds in memory, which may be more than `size` has: the screen or
   * canvas, any frame, any item of a HEIC or AVIF, all tiles of a grid together. 0 where the file does not tell.
   */
  readonly decodedPixels: number;
  /** False for a container without a picture, such as a sound in an MP4. */
  readonly hasPicture: boolean;
  /** Of an image that is decoded here; undefined for what is not. */
  readonly decoding?: DecodingFacts;
}

/** What is known about decoding an image. */
export interface DecodingFacts {
  /** Bytes of memory that it takes to make a small picture of it, about. */
  readonly memoryBytes: number;
  /** Numbers that make a colour: 1 for grey, 3 for RGB, 4 for CMYK. */
  readonly components: number;
  /** Undefined: sRGB. */
  readonly colours?: SourceColours | undefined;
  /** Where the first frame of an animation lies, unless it fills its canvas. */
  readonly firstFrame?: Frame | undefined;
  /**
   * Whether only a second decoding tells that the picture is whole: the file has no end marker, or the end of its data
   * is nothing that can be seen at the end of the picture.
   */
  readonly mustBeChecked?: "no end" | "hidden end" | undefined;
}

/** A part of a canvas, in pixels. */
export interface Frame {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Both facts about size, for a file whose pictures all have the same size; unknown where that has no pixels. */
export function pictureSize(size: MediaFacts["size"]): Pick<MediaFacts, "size" | "decodedPixels"> {
  const decodedPixels = size ? size.width * size.height : 0;
  return { size: decodedPixels > 0 ? size : null, decodedPixels };
}

/** A part of the file to be: a range of the source, or bytes of our own. */
export type Piece = { readonly offset: number; readonly length: number } | Uint8Array;

/** A new file in pieces, for formats that are cleaned by keeping what is known. */
export interface Rewriting extends MediaFacts {
  readonly pieces: readonly Piece[];
}

/**
 * Walks a file and changes it on the way, in constant memory; it may cut off the end. Doing it again, as after a crash,
 * must change nothing. It blocks the thread.
 * @throws ApiError DAMAGED_MEDIA
 */
export type Pass = (file: InPlaceFile) => void;

/** Changes inside a file, for formats full of offsets. */
export interface Blanking extends MediaFacts {
  readonly patches: Patches;
  /** What is done after the patches were applied, in this order. */
  readonly passes?: readonly Pass[];
}

/** Collects {@link Piece}s, a few for each structure element at most; ranges that touch become one. */
export class Pieces {
  readonly list: Piece[] = [];

  keep(offset: number, length: number): void {
    const last = this.list.at(-1);
    if (last && !(last instanceof Uint8Array) && last.offset + last.length === offset)
      this.list[this.list.length - 1] = { offset: last.offset, length: last.length + length };
    else this.list.push({ offset, length });
  }

  add(bytes: Uint8Array): void {
    this.list.push(bytes);
  }

  append(piece: Piece): void {
    if (piece instanceof Uint8Array) this.add(piece);
    else this.keep(piece.offset, piece.length);
  }

  addAll(pieces: Pieces): void {
    for (const piece of pieces.list) this.append(piece);
  }

  get bytes(): number {
    return this.list.reduce((sum, piece) => sum + piece.length, 0);
  }
}

/** Bytes of our own in one file: more than any real file needs. */
const maxWrittenBytes = 16 * 1024 * 1024;

/** Collects the changes to one file. Zeros are written first, so that bytes of our own win where the two overlap. */
export class Patches {
  readonly writes: { readonly offset: number; readonly bytes: Uint8Array }[] = [];
  /**
   * Ranges to fill with zeros: an offset and a length, the next offset and its length, and so on. Plain numbers,
   * because a track may have millions of samples.
   */
  readonly zeros: number[] = [];
  #writtenBytes = 0;
  #zeroedBytes = 0;
  #lastEnd = 0;

  constructor(private readonly source: ByteSource) {}

  /** @throws ApiError DAMAGED_MEDIA for a range outside the file, and where the sum of all writes is too large */
  write(offset: number, bytes: Uint8Array): void {
    this.#requireInside(offset, bytes.length);
    this.#writtenBytes += bytes.length;
    if (this.#writtenBytes > maxWrittenBytes) throw damaged("too much metadata to replace");
    this.writes.push({ offset, bytes });
  }

  /**
   * Fills the range from `offset` up to `end` with zeros. Ranges that touch become one; one that lies before the range
   * added last costs a structure element, because ranges out of order cannot be written together.
   * @throws ApiError DAMAGED_MEDIA for a range outside the file, or bytes that are named again and again
   */
  wipe(offset: number, end: number): void {
    const length = end - offset;
    if (length === 0) return;
    this.#requireInside(offset, length);
    // A real file has each of its bytes wiped once, or twice.
    this.#zeroedBytes += length;
    if (this.#zeroedBytes > 2 * this.source.size) throw damaged("tables name the same bytes many times");
    if (offset === this.#lastEnd && this.zeros.length > 0)
      this.zeros.push((this.zeros.pop() as number) + length);
    else {
      if (offset < this.#lastEnd) this.source.budget.elements.spend();
      this.zeros.push(offset, length);
    }
    this.#lastEnd = end;
  }

  #requireInside(offset: number, length: number): void {
    if (offset < 0 || length < 0 || offset + length > this.source.size)
      throw damaged(`no ${length} bytes at ${offset}`);
  }
}
