import { damaged } from "../damaged.ts";

/** A progressive photo has about 10 scans, an optimised one up to 20. */
const maxScans = 100;
/** Pixels of all scans together, since a decoder goes over the whole picture in every scan: 64 scans of 50 megapixels. */
const maxScannedPixels = 3_200_000_000;

/** The frame that decoders show. */
interface ShownFrame {
  readonly width: number;
  height: number;
  /** Sequential and coded by Huffman's method, as most photos are. */
  readonly isSequential: boolean;
  readonly components: number;
  /** Numbers for one pixel: 3 where colours are as fine as brightness, 1.5 where they are half as fine both ways. */
  readonly samplesPerPixel: number;
}

/** SOF0 and SOF1; all others are progressive, lossless, hierarchical or coded in another way. */
const lastSequential = 0xc1;
/** Bytes for a pixel of a picture whose decoder makes it an eighth of its size at once. */
const scaledPixelBytes = 0.2;
/** Of a coefficient, all of which are held where a picture has several scans. */
const coefficientBytes = 2;

/** The frame headers and the scans of a JPEG: what it shows, and what decoding it costs (ITU T.81 annex B.2). */
export class JpegFrames {
  /** The first frame is the one that decoders show. */
  #shown: ShownFrame | undefined;
  #largestPixels = 0;
  #scans = 0;

  /**
   * @param marker SOFn or DHP
   * @param header the content of its segment
   */
  addFrame(marker: number, header: Buffer): void {
    const size = { height: header.readUInt16BE(1), width: header.readUInt16BE(3) };
    this.#shown ??= { ...size, isSequential: marker <= lastSequential, ...readComponents(header) };
    this.#largestPixels = Math.max(this.#largestPixels, size.width * size.height);
  }

  /**
   * Sets a height that the frame header left open.
   * @param content of a DNL segment
   */
  setHeight(content: Buffer): void {
    if (this.#shown?.height !== 0) return;
    this.#shown.height = content.readUInt16BE(0);
    this.#largestPixels = Math.max(this.#largestPixels, this.#shown.width * this.#shown.height);
  }

  /** @throws ApiError DAMAGED_MEDIA for a scan before any frame, or more scans than a decoder should have to go through */
  addScan(): void {
    if (!this.#shown) throw damaged("a scan before its frame");
    if (++this.#scans > maxScans) throw damaged(`more than ${maxScans} scans`);
    this.#requireAffordable();
  }

  /** @throws ApiError DAMAGED_MEDIA for a picture without a size, or one that is too large for its number of scans */
  sizes(): {
    readonly width: number;
    readonly height: number;
    readonly decodedPixels: number;
    readonly components: number;
    /** Bytes that a decoder needs for a small picture. */
    readonly memoryBytes: number;
    /** What the last bytes of the file hold is the last corner of the picture, in all its colours. */
    readonly endsInCorner: boolean;
  } {
    const shown = this.#shown;
    if (!shown || shown.width === 0 || shown.height === 0) throw damaged("a picture without a size");
    this.#requireAffordable();
    const { width, height, components, samplesPerPixel } = shown;
    const isOneScan = this.#scans === 1 && shown.isSequential;
    return {
      width,
      height,
      components,
      decodedPixels: this.#largestPixels,
      memoryBytes: width * height * (scaledPixelBytes + (isOneScan ? 0 : samplesPerPixel * coefficientBytes)),
      endsInCorner: isOneScan && components !== 4,
    };
  }

  #requireAffordable(): void {
    if (this.#scans * this.#largestPixels > maxScannedPixels)
      throw damaged(`${this.#scans} scans of ${this.#largestPixels} pixels`);
  }
}

/** Reads the sampling factors of a frame's components. */
function readComponents(header: Buffer): Pick<ShownFrame, "components" | "samplesPerPixel"> {
  const components = header.readUInt8(5);
  const factors = Array.from({ length: components }, (_, index) => {
    const packed = header.readUInt8(7 + index * 3);
    return { across: packed >> 4, down: packed & 15 };
  });
  const most =
    Math.max(1, ...factors.map(({ across }) => across)) * Math.max(1, ...factors.map(({ down }) => down));
  return {
    components,
    samplesPerPixel: factors.reduce((sum, { across, down }) => sum + across * down, 0) / most,
  };
}
