import { damaged } from "../damaged.ts";

/** A progressive photo has about 10 scans, an optimised one up to 20. */
const maxScans = 100;
/** Pixels of all scans together, since a decoder goes over the whole picture in every scan: 64 scans of 50 megapixels. */
const maxScannedPixels = 3_200_000_000;

/** The frame headers and the scans of a JPEG: what it shows, and what decoding it costs (ITU T.81 annex B.2). */
export class JpegFrames {
  /** The first frame is the one that decoders show. */
  #shown: { width: number; height: number } | undefined;
  #largestPixels = 0;
  #scans = 0;

  /** @param header the content of a SOFn or DHP segment */
  addFrame(header: Buffer): void {
    const size = { height: header.readUInt16BE(1), width: header.readUInt16BE(3) };
    this.#shown ??= size;
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
  sizes(): { width: number; height: number; decodedPixels: number } {
    const shown = this.#shown;
    if (!shown || shown.width === 0 || shown.height === 0) throw damaged("a picture without a size");
    this.#requireAffordable();
    return { ...shown, decodedPixels: this.#largestPixels };
  }

  #requireAffordable(): void {
    if (this.#scans * this.#largestPixels > maxScannedPixels)
      throw damaged(`${this.#scans} scans of ${this.#largestPixels} pixels`);
  }
}
