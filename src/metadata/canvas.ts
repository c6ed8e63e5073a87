import { damaged } from "./damaged.ts";
import type { Frame } from "./plan.ts";

/** Pixels of all frames together that a viewer may have to decode: 24,000 frames of Full HD. */
const maxFramePixels = 50_000_000_000;

/** The canvas of an animation. Decoders hold one canvas and draw the frames on it, one after the other. */
export class Canvas {
  #framePixels = 0;

  constructor(
    readonly width: number,
    readonly height: number,
  ) {}

  /** @throws ApiError DAMAGED_MEDIA for a frame that does not lie within the canvas, and where all of them are too many */
  addFrame({ x, y, width, height }: Frame): void {
    if (x + width > this.width || y + height > this.height)
      throw damaged(`a frame of ${width} × ${height} at ${x}, ${y} outside ${this.width} × ${this.height}`);
    this.#framePixels += width * height;
    if (this.#framePixels > maxFramePixels) throw damaged("too many pixels in all frames");
  }

  /** The frame, unless it fills the canvas. */
  unlessWhole(frame: Frame): Frame | undefined {
    return frame.width === this.width && frame.height === this.height ? undefined : frame;
  }
}
