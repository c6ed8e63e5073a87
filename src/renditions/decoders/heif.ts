import type { SourceColours } from "../../colour/source-colours.ts";
import { ByteSource } from "../../metadata/byte-source.ts";
import type { RawPicture } from "../raw-picture.ts";
import { decodeAv1 } from "./av1-decoder.ts";
import { CannotDecode } from "./cannot-decode.ts";
import { decodeHevc } from "./hevc-decoder.ts";
import { readPictureItem } from "./picture-item.ts";
import type { PixelView } from "./pixel-view.ts";

/** A picture as displayed: upright, with straight opacity, in the colours of its file. */
export interface DecodedPicture {
  readonly picture: RawPicture;
  /** Undefined for sRGB. */
  readonly colours: SourceColours | undefined;
}

/** Limits of one decoding. */
export interface DecodingLimits {
  /** The longer side of the returned picture in pixels, unless the file has fewer. */
  readonly longSide: number;
  /** Memory for decoding, as estimated before; the returned picture is not included. */
  readonly maxBytes: number;
}

/** Memory of each decoder, as measured: bytes for each pixel, and how often it holds the coded picture. */
const decoderMemory = { hevc: { bytes: 4, copies: 3 }, av1: { bytes: 16, copies: 2 } } as const;

/**
 * Decodes the primary picture of a HEIC or AVIF. It loads a decoder of megabytes and runs untrusted data through it, so
 * call it in a worker process only, whose memory and time are limited, and with a file that `planPicture` accepted.
 * @throws CannotDecode for a picture that the decoder rejects, that is too large for it, or that has a coding without a
 * decoder; errors of the file system; ApiError DAMAGED_MEDIA
 */
export async function decodeHeif(
  path: string,
  { longSide, maxBytes }: DecodingLimits,
): Promise<DecodedPicture> {
  const source = await ByteSource.open(path);
  const item = await readPictureItem(source)
    .catch((error: unknown) => {
      // Boxes shorter than their fields.
      throw error instanceof RangeError ? new CannotDecode(error.message) : error;
    })
    .finally(() => source.close());
  const { coding, pixels, codedBytesPerPixel, colours, transformations } = item;
  const isHevc = coding === "hvc1" || coding === "hev1";
  const memory = decoderMemory[isHevc ? "hevc" : "av1"];
  if (pixels * (memory.bytes + memory.copies * codedBytesPerPixel) > maxBytes)
    throw new CannotDecode(`${pixels} pixels need too much memory`);
  const bytes = await Bun.file(path).bytes();
  const decode = async (): Promise<PixelView> => {
    if (isHevc) return decodeHevc(bytes);
    // libavif also reads a sequence without a primary picture; libheif does not.
    if (coding !== "av01" && coding !== undefined) throw new CannotDecode(`a picture of type ${coding}`);
    return transformations.reduce((view, step) => view.transformed(step), await decodeAv1(bytes));
  };
  const view = await decode().catch((error: unknown) => {
    // A failed WebAssembly.Memory allocation, a trap, or an exception of C++.
    throw error instanceof CannotDecode ? error : new CannotDecode(String(error));
  });
  return { picture: view.shrunk(longSide), colours };
}
