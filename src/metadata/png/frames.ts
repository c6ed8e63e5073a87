import { damaged } from "../damaged.ts";
import { pngChunk } from "./chunks.ts";
import type { Canvas } from "../canvas.ts";
import { Pieces } from "../plan.ts";

/** Collects the chunks of a PNG's picture and of its animation frames (PNG third edition, section 11.3.6). */
export class PngFrames {
  readonly #body = new Pieces();
  /** Chunks of the animation frame that is being read; undefined while the picture is. */
  #frame: Pieces | undefined;
  #hasData = false;
  #count = 0;
  #control: Buffer | undefined;

  constructor(private readonly canvas: Canvas) {}

  /** The chunks of the picture or of the current frame. */
  get pieces(): Pieces {
    return this.#frame ?? this.#body;
  }

  /** Whether the PNG has several frames. */
  get isAnimated(): boolean {
    return this.#control !== undefined && this.#count > 1;
  }

  /** Adds an acTL, which holds the number of frames. @param content eight bytes */
  addControl(content: Buffer): void {
    this.#control ??= pngChunk("acTL", content);
    this.#body.add(this.#control);
  }

  /**
   * Starts a frame.
   * @param content content of its fcTL
   * @param isPicture whether the frame is the picture itself, whose data is in IDAT
   * @throws ApiError DAMAGED_MEDIA for an empty frame or one outside the canvas
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

  /** Records that the current frame has data. */
  addData(): void {
    this.#hasData = true;
  }

  /** Completes the current frame. */
  finish(): void {
    if (this.#frame) this.#body.addAll(this.#frame);
    this.#frame = undefined;
    this.#hasData = false;
  }

  /**
   * Repairs the animation of a truncated file: drops the current frame if it is incomplete, and corrects the number of
   * frames.
   * @param isCut whether the data of the current frame is incomplete
   */
  repair(isCut: boolean): void {
    if (this.#frame && (isCut || !this.#hasData)) {
      this.#frame = undefined;
      this.#count--;
    }
    if (!this.#control) return;
    this.#control.writeUInt32BE(this.#count, 8);
    this.#control.set(pngChunk("acTL", this.#control.subarray(8, 16)));
  }
}
