import { RawPicture } from "../raw-picture.ts";
import { CannotDecode } from "./cannot-decode.ts";

/** A rectangle in whole pixels. */
export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A step that leads from the stored to the displayed picture. */
export type Transformation =
  | { readonly crop: Rectangle }
  /** Anticlockwise. */
  | { readonly quarterTurns: number }
  | { readonly mirror: "top to bottom" | "left to right" };

/** Where the pixels of a picture lie in a decoder's memory. */
interface Layout {
  readonly width: number;
  readonly height: number;
  /** Offset of the top left pixel. */
  readonly start: number;
  /** Distance in bytes to the right neighbour and to the pixel below; negative in a turned or mirrored view. */
  readonly right: number;
  readonly down: number;
}

const pixelBytes = 4;

/**
 * A view of RGBA pixels, a byte each, in the memory of a decoder. It is cropped, turned and mirrored without copying, and
 * copied once, at the size that is needed: a large picture would not fit into a worker's memory twice.
 */
export class PixelView {
  /** @param isPremultiplied whether the colours are multiplied by the opacity */
  private constructor(
    private readonly bytes: Uint8Array | Uint8ClampedArray,
    private readonly layout: Layout,
    private readonly isPremultiplied: boolean,
  ) {}

  /**
   * @param stride distance between rows in bytes
   * @throws CannotDecode if the bytes are too few
   */
  static of(
    bytes: Uint8Array | Uint8ClampedArray,
    { width, height, stride }: { width: number; height: number; stride: number },
    isPremultiplied = false,
  ): PixelView {
    const isWhole = width > 0 && height > 0 && stride >= width * pixelBytes;
    if (!isWhole || bytes.length < stride * (height - 1) + width * pixelBytes)
      throw new CannotDecode(`${bytes.length} bytes for ${width} × ${height} pixels`);
    return new PixelView(
      bytes,
      { width, height, start: 0, right: pixelBytes, down: stride },
      isPremultiplied,
    );
  }

  /** @throws CannotDecode for a crop outside the picture */
  transformed(step: Transformation): PixelView {
    return new PixelView(this.bytes, transform(this.layout, step), this.isPremultiplied);
  }

  /**
   * Copies the picture, reduced by the largest whole factor that leaves the longer side at least `minLongSide` pixels. Each
   * pixel becomes the average of those it replaces, weighted by their opacity.
   */
  reduced(minLongSide: number): RawPicture {
    const { bytes, layout, isPremultiplied } = this;
    const { start, right, down } = layout;
    const factor = Math.max(1, Math.floor(Math.max(layout.width, layout.height) / minLongSide));
    // Pixels at the right and bottom edge that do not fill a whole one are left out, unless the side has no others.
    const width = Math.max(1, Math.floor(layout.width / factor));
    const height = Math.max(1, Math.floor(layout.height / factor));
    const [across, below] = [Math.min(factor, layout.width), Math.min(factor, layout.height)];
    const picture = RawPicture.transparent({ width, height });
    const { rows } = picture;
    for (let y = 0; y < height; y++)
      for (let x = 0, to = picture.at(0, y); x < width; x++, to += pixelBytes) {
        const corner = start + x * factor * right + y * factor * down;
        let red = 0;
        let green = 0;
        let blue = 0;
        let opacity = 0;
        for (let dy = 0, row = corner; dy < below; dy++, row += down)
          for (let dx = 0, at = row; dx < across; dx++, at += right) {
            const alpha = bytes[at + 3] as number;
            const weight = isPremultiplied ? 255 : alpha;
            red += (bytes[at] as number) * weight;
            green += (bytes[at + 1] as number) * weight;
            blue += (bytes[at + 2] as number) * weight;
            opacity += alpha;
          }
        if (opacity === 0) continue;
        rows[to] = Math.min(255, red / opacity + 0.5);
        rows[to + 1] = Math.min(255, green / opacity + 0.5);
        rows[to + 2] = Math.min(255, blue / opacity + 0.5);
        rows[to + 3] = opacity / (across * below) + 0.5;
      }
    return picture;
  }
}

function transform(layout: Layout, step: Transformation): Layout {
  const { width, height, start, right, down } = layout;
  const [lastRight, lastDown] = [start + (width - 1) * right, start + (height - 1) * down];
  if ("crop" in step) {
    const { x, y, width: newWidth, height: newHeight } = step.crop;
    const isInside = x >= 0 && y >= 0 && x + newWidth <= width && y + newHeight <= height;
    if (!isInside || newWidth < 1 || newHeight < 1) throw new CannotDecode("a crop outside the picture");
    return { width: newWidth, height: newHeight, start: start + x * right + y * down, right, down };
  }
  if ("mirror" in step)
    return step.mirror === "left to right"
      ? { ...layout, start: lastRight, right: -right }
      : { ...layout, start: lastDown, down: -down };
  if (step.quarterTurns === 0) return layout;
  const turned = { width: height, height: width, start: lastRight, right: down, down: -right };
  return transform(turned, { quarterTurns: step.quarterTurns - 1 });
}
