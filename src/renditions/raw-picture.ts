import { pngChunk, pngSignature } from "../metadata/png/chunks.ts";
import type { Size } from "./sizes.ts";

/** Red, green, blue and opacity, a byte each. */
const pixelBytes = 4;
const rgbaHeader = Buffer.from([8, 6, 0, 0, 0]);
/** Header of a zlib stream (RFC 1950). */
const zlibHeader = Buffer.from([0x78, 0x01]);

/** The rows of a picture, each preceded by its PNG filter byte. */
export type Rows = Buffer<ArrayBuffer>;

/**
 * A decoded picture with access to single pixels. `Bun.Image` exchanges pixels as an uncompressed PNG, which is
 * unpacked on the first access.
 */
export class RawPicture {
  #png: Rows | undefined;
  #rows: Rows | undefined;

  private constructor(
    readonly width: number,
    readonly height: number,
    { png, rows }: { readonly png?: Rows; readonly rows?: Rows },
  ) {
    this.#png = png;
    this.#rows = rows;
  }

  /** Returns a fully transparent picture. */
  static transparent({ width, height }: Size): RawPicture {
    return new RawPicture(width, height, { rows: Buffer.alloc((1 + width * pixelBytes) * height) });
  }

  /**
   * Runs a pipeline and returns its pixels.
   * @throws the errors of the pipeline
   */
  static async decode(image: Bun.Image): Promise<RawPicture> {
    const { buffer, byteOffset, length } = await image.png({ compressionLevel: 0 }).bytes();
    const png = Buffer.from(buffer as ArrayBuffer, byteOffset, length);
    if (!png.subarray(24, 29).equals(rgbaHeader))
      throw new Error("Bun.Image wrote a PNG that is not 8-bit RGBA");
    return new RawPicture(png.readUInt32BE(16), png.readUInt32BE(20), { png });
  }

  /** All rows, with pixels at the offsets of {@link at}. Use {@link forEach} and {@link place} to change them. */
  get rows(): Rows {
    return (this.#rows ??= unpack(this.#png as Rows, this.width, this.height));
  }

  /** Returns the offset of a pixel in {@link rows}. */
  at(x: number, y: number): number {
    return y * (1 + this.width * pixelBytes) + 1 + x * pixelBytes;
  }

  /** Calls `change` for each pixel with the rows and the offset of the pixel. */
  forEach(change: (rows: Rows, at: number) => void): void {
    const { rows } = this;
    this.#png = undefined;
    for (let y = 0; y < this.height; y++)
      for (let at = this.at(0, y), end = at + this.width * pixelBytes; at < end; at += pixelBytes)
        change(rows, at);
  }

  /** Copies another picture onto this one, clipped to its size. */
  place(other: RawPicture, x: number, y: number): void {
    const { rows } = this;
    this.#png = undefined;
    const length = Math.min(other.width, this.width - x) * pixelBytes;
    for (let row = 0; row < other.height && y + row < this.height; row++) {
      const from = other.at(0, row);
      other.rows.copy(rows, this.at(x, y + row), from, from + length);
    }
  }

  /** Returns the picture with sides of at most `longSide` pixels. It is never enlarged. */
  async shrunk(longSide: number): Promise<RawPicture> {
    if (Math.max(this.width, this.height) <= longSide) return this;
    return RawPicture.decode(shrink(this.toImage(), longSide));
  }

  /** Returns red, green, blue and opacity of all pixels, without gaps. */
  pixels(): Buffer<ArrayBuffer> {
    const lineBytes = this.width * pixelBytes;
    const pixels = Buffer.allocUnsafeSlow(lineBytes * this.height);
    for (let y = 0; y < this.height; y++)
      this.rows.copy(pixels, y * lineBytes, this.at(0, y), this.at(0, y) + lineBytes);
    return pixels;
  }

  /** Starts another pipeline, without a colour profile. */
  toImage(): Bun.Image {
    if (!this.#png || hasProfile(this.#png)) this.#png = pack(this.rows, this.width, this.height);
    return new Bun.Image(this.#png);
  }
}

/** Limits the sides of a picture in a pipeline, without enlarging it. */
export const shrink = (image: Bun.Image, longSide: number): Bun.Image =>
  image.resize(longSide, longSide, { fit: "inside", withoutEnlargement: true });

function* chunksOf(png: Rows): Generator<{ readonly type: string; readonly content: Rows }> {
  for (let at = pngSignature.length; at < png.length;) {
    const length = png.readUInt32BE(at);
    yield { type: png.toString("latin1", at + 4, at + 8), content: png.subarray(at + 8, at + 8 + length) };
    at += 12 + length;
  }
}

/** Whether there is a profile, which precedes the pixels. */
function hasProfile(png: Rows): boolean {
  for (const { type } of chunksOf(png)) if (type === "iCCP" || type === "IDAT") return type === "iCCP";
  return false;
}

function unpack(png: Rows, width: number, height: number): Rows {
  const data: Buffer[] = [];
  for (const { type, content } of chunksOf(png)) if (type === "IDAT") data.push(content);
  const { buffer, byteOffset, length } = Bun.inflateSync(Buffer.concat(data).subarray(zlibHeader.length));
  const rows = Buffer.from(buffer, byteOffset, length);
  // The filter byte 0 means that a row is not filtered (PNG third edition, section 9.2).
  for (let y = 0; y < height; y++)
    if (rows[y * (1 + width * pixelBytes)] !== 0) throw new Error("Bun.Image wrote a PNG with filtered rows");
  return rows;
}

function pack(rows: Rows, width: number, height: number): Rows {
  const size = Buffer.alloc(8);
  size.writeUInt32BE(width, 0);
  size.writeUInt32BE(height, 4);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(Bun.hash.adler32(rows));
  const data = Bun.deflateSync(rows, { level: 0 });
  return Buffer.concat([
    pngSignature,
    pngChunk("IHDR", Buffer.concat([size, rgbaHeader])),
    pngChunk("IDAT", Buffer.concat([zlibHeader, data, checksum])),
    pngChunk("IEND", Buffer.alloc(0)),
  ]);
}
