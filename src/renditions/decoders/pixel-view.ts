import { RawPicture } from "../raw-picture.ts";
import { scaled } from "../sizes.ts";
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
   * Copies the picture, shrunk to sides of at most `longSide` pixels. Each pixel is the average of the area that it covers,
   * weighted by opacity.
   */
  shrunk(longSide: number): RawPicture {
    const { bytes, layout, isPremultiplied } = this;
    const { start, right, down } = layout;
    const size = scaled(layout, longSide / Math.max(layout.width, layout.height));
    const picture = RawPicture.transparent(size);
    const columns = coverage(layout.width, size.width);
    const lines = coverage(layout.height, size.height);
    /** Weighted red, green, blue and opacity of a row that is being made. */
    const sums = new Float64Array(size.width * pixelBytes);
    for (let y = 0; y < size.height; y++) {
      sums.fill(0);
      for (let line = lines.first[y]!; line <= lines.last[y]!; line++) {
        const lineWeight = lines.weight(y, line);
        const row = start + line * down;
        for (let x = 0, to = 0; x < size.width; x++, to += pixelBytes) {
          const end = columns.last[x]!;
          for (
            let column = columns.first[x]!, at = row + column * right;
            column <= end;
            column++, at += right
          ) {
            const weight = lineWeight * columns.weight(x, column);
            const opacity = (bytes[at + 3] as number) * weight;
            const share = isPremultiplied ? 255 * weight : opacity;
            sums[to]! += (bytes[at] as number) * share;
            sums[to + 1]! += (bytes[at + 1] as number) * share;
            sums[to + 2]! += (bytes[at + 2] as number) * share;
            sums[to + 3]! += opacity;
          }
        }
      }
      writeRow(picture, y, sums);
    }
    return picture;
  }
}

/** The pixels of one axis that each shrunk pixel covers, and how much of them. */
function coverage(from: number, to: number) {
  const step = from / to;
  const first = new Int32Array(to);
  const last = new Int32Array(to);
  for (let i = 0; i < to; i++) {
    first[i] = Math.floor(i * step);
    last[i] = Math.min(from, Math.ceil((i + 1) * step - 1e-9)) - 1;
  }
  return {
    first,
    last,
    /** Returns the share of the shrunk pixel `i` that the pixel `of` has; those of all its pixels add up to 1. */
    weight: (i: number, of: number): number =>
      (Math.min(of + 1, (i + 1) * step) - Math.max(of, i * step)) / step,
  };
}

/** Divides the sums of a row by its opacity. */
function writeRow(picture: RawPicture, y: number, sums: Float64Array): void {
  const { rows } = picture;
  for (let from = 0, to = picture.at(0, y); from < sums.length; from += pixelBytes, to += pixelBytes) {
    const opacity = sums[from + 3] as number;
    if (opacity <= 0) continue;
    for (let channel = 0; channel < 3; channel++)
      rows[to + channel] = Math.min(255, (sums[from + channel] as number) / opacity + 0.5);
    rows[to + 3] = Math.min(255, opacity + 0.5);
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
