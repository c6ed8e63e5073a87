import { damaged } from "./damaged.ts";
import type { Frame } from "./plan.ts";

/** Limit for the pixels of all frames together, which a viewer decodes: 24,000 frames of Full HD. */
const maxFramePixels = 50_000_000_000;

/** The canvas of an animation, on which decoders draw one frame after another. */
export class Canvas {
  #framePixels = 0;

  constructor(
    readonly width: number,
    readonly height: number,
  ) {}

  /** @throws ApiError DAMAGED_MEDIA for a frame outside the canvas, or if all frames have too many pixels together */
  addFrame({ x, y, width, height }: Frame): void {
    if (x + width > this.width || y + height > this.height)
      throw damaged(`a frame of ${width} × ${height} at ${x}, ${y} outside ${this.width} × ${this.height}`);
    this.#framePixels += width * height;
    if (this.#framePixels > maxFramePixels) throw damaged("too many pixels in all frames");
  }

  /** Returns the frame; undefined if it fills the canvas. */
  unlessWhole(frame: Frame): Frame | undefined {
    return frame.width === this.width && frame.height === this.height ? undefined : frame;
  }
}
