import type { MediaFacts } from "../metadata/plan.ts";

/** Memory of a media worker. A job that exceeds it is stopped. */
export const maxWorkerBytes = 768 * 1024 ** 2;

/**
 * Memory for decoding one image, as estimated before. The remaining memory of a worker is for everything else, which
 * needs less than 200 MB. The limit allows for 108 megapixels of PNG or WebP, the largest photos that phones commonly
 * take, for 140 megapixels of a progressive JPEG, and for a baseline JPEG of any size.
 */
export const maxDecoderBytes = 460_000_000;

/** Whether a worker has enough memory to decode an image, by an estimate. */
export const fitsDecoder = ({ decoding, decodedPixels }: MediaFacts): boolean =>
  (decoding?.memoryBytes ?? decodedPixels * 4) <= maxDecoderBytes;
