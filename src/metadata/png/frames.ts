import { damaged } from "../damaged.ts";
import { pngChunk } from "./chunks.ts";
import type { Canvas } from "../canvas.ts";
import { Pieces } from "../plan.ts";

/** The chunks of a PNG's picture and of the frames behind it, if it is animated (PNG third edition, section 11.3.6). */
export class PngFrames {
  readonly #body = new Pieces();
  /** Chunks of the frame behind the picture that is being read. */
  #frame: Pieces | undefined;
  #hasData = false;
  #count = 0;
  #control: Buffer | undefined;

  constructor(private readonly canvas: Canvas) {}

  /** Where chunks go that belong to the picture or to the present frame. */
  get pieces(): Pieces {
    return this.#frame ?? this.#body;
  }

  /** Adds an acTL, which counts the frames. @param content of eight bytes */
  addControl(content: Buffer): void {
    this.#control ??= pngChunk("acTL", content);
    this.#body.add(this.#control);
  }

  /**
   * Starts a frame.
   * @param content of its fcTL
   * @param isPicture it is the picture itself, whose data comes in IDAT
   * @throws ApiError DAMAGED_MEDIA for one without a size, or outside its canvas
   */
  start(content: Buffer, isPicture: boolean): void {
    const [width, height] = [content.readUInt32BE(4), content.readUInt32BE(8)];
    const [x, y] = [content.readUInt32BE(12), content.readUInt32BE(16)];
    if (width === 0 || height === 0) throw damaged("a frame without a size");
    this.canvas.addFrame({ x, y, width, height });
    this.finish();
    this.#count++;
    if (!isPicture) this.#frame = new Pieces();
  }

  /** Notes that the present frame has data. */
  addData(): void {
    this.#hasData = true;
  }

  /** Takes the present frame as it is. */
  finish(): void {
    if (this.#frame) this.#body.addAll(this.#frame);
    this.#frame = undefined;
    this.#hasData = false;
  }

  /**
   * Ends the picture of a file that ends too early, without the present frame if that is not whole, and counts the frames
   * anew.
   * @param isCut the file ends within data of the present frame
   */
  mend(isCut: boolean): void {
    if (this.#frame && (isCut || !this.#hasData)) {
      this.#frame = undefined;
      this.#count--;
    }
    if (!this.#control) return;
    this.#control.writeUInt32BE(this.#count, 8);
    this.#control.set(pngChunk("acTL", this.#control.subarray(8, 16)));
  }
}
