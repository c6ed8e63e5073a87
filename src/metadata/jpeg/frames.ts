import { damaged } from "../damaged.ts";
import { isSequential } from "./markers.ts";

/** A progressive photo has about 10 scans, an optimised one up to 20. */
const maxScans = 100;
/** Limit for pixels times scans, because every scan updates the whole picture: 64 scans of 50 megapixels. */
const maxScannedPixels = 3_200_000_000;

/** The frame that decoders show. */
interface ShownFrame {
  readonly width: number;
  height: number;
  /** Whether it is sequential with Huffman coding, as most photos are. */
  readonly isSequential: boolean;
  readonly components: number;
  /** Samples of all components per pixel: 3 without chroma subsampling, 1.5 with 4:2:0. */
  readonly samplesPerPixel: number;
}

/** Bytes of memory for a pixel if the decoder scales the picture to an eighth while decoding. */
const scaledPixelBytes = 0.2;
/** Bytes of a coefficient. The decoder holds all coefficients of a picture with several scans. */
const coefficientBytes = 2;

/** Collects the frame headers and scans of a JPEG (ITU T.81 annex B.2) to find its size and the cost of decoding it. */
export class JpegFrames {
  /** The first frame is the one that decoders show. */
  #shown: ShownFrame | undefined;
  #largestPixels = 0;
  #scans = 0;

  /**
   * @param marker SOFn or DHP
   * @param header content of its segment
   */
  addFrame(marker: number, header: Buffer): void {
    const size = { height: header.readUInt16BE(1), width: header.readUInt16BE(3) };
    this.#shown ??= { ...size, isSequential: isSequential(marker), ...readComponents(header) };
    this.#largestPixels = Math.max(this.#largestPixels, size.width * size.height);
  }

  /**
   * Sets the height if the frame header left it open.
   * @param content content of a DNL segment
   * @returns whether the frame header left it open
   */
  setHeight(content: Buffer): boolean {
    if (this.#shown?.height !== 0) return false;
    this.#shown.height = content.readUInt16BE(0);
    this.#largestPixels = Math.max(this.#largestPixels, this.#shown.width * this.#shown.height);
    return true;
  }

  /** @throws ApiError DAMAGED_MEDIA for a scan before any frame, and for too many scans */
  addScan(): void {
    if (!this.#shown) throw damaged("a scan before its frame");
    if (++this.#scans > maxScans) throw damaged(`more than ${maxScans} scans`);
    this.#requireBoundedScans();
  }

  /** @throws ApiError DAMAGED_MEDIA for an empty picture, and for one that is too large for its number of scans */
  sizes(): {
    readonly width: number;
    readonly height: number;
    readonly decodedPixels: number;
    readonly components: number;
    /** Bytes of memory for decoding a thumbnail. */
    readonly memoryBytes: number;
    /** Whether the last bytes of the file hold the last corner of the picture in all its components. */
    readonly endsInCorner: boolean;
  } {
    const shown = this.#shown;
    if (!shown || shown.width === 0 || shown.height === 0) throw damaged("a picture without a size");
    this.#requireBoundedScans();
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

  #requireBoundedScans(): void {
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
  const maxFactors =
    Math.max(1, ...factors.map(({ across }) => across)) * Math.max(1, ...factors.map(({ down }) => down));
  return {
    components,
    samplesPerPixel: factors.reduce((sum, { across, down }) => sum + across * down, 0) / maxFactors,
  };
}
