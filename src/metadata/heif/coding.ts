import { damaged } from "../damaged.ts";
import type { Box, BoxReader } from "../iso/boxes.ts";
import type { Extent } from "../iso/samples.ts";

/** The layout of length-prefixed NAL units of a codec, and which of them are part of a picture. */
interface NalLayout {
  /** Offset in the configuration of the byte whose low two bits are the size of a length field minus one. */
  readonly lengthSizeAt: number;
  readonly isPicture: (header: Buffer) => boolean;
}

const hevc: NalLayout = {
  lengthSizeAt: 21,
  // ISO/IEC 23008-2 section 7.3.1.2: a zero bit, 6 bits of type, 6 bits of layer, 3 bits that are never all zero.
  isPicture: (header) => header.readUInt8(0) >>> 1 < 32 && (header.readUInt8(1) & 7) > 0,
};
const nalLayouts: Readonly<Record<string, NalLayout>> = {
  hvc1: hevc,
  hev1: hevc,
  avc1: {
    lengthSizeAt: 4,
    // ISO/IEC 14496-10 section 7.3.1: types 1 to 5 are slices.
    isPicture: (header) => (header.readUInt8(0) & 0x1f) >= 1 && (header.readUInt8(0) & 0x1f) <= 5,
  },
};
const minNalBytes = 3;
/** Limit on units before the first picture unit. Finding each one scans all extents of the item. */
const maxUnitsBeforePicture = 1000;

const obuFrameHeader = 3;
const obuFrame = 6;

/**
 * Checks, without decoding, that the data of a coded picture consists of whole units of its codec up to the first picture
 * unit. Codecs other than HEVC, AVC and AV1 are not checked.
 * @param type the item type, such as `hvc1`
 * @param configuration the decoder configuration
 * @param extents the ranges of the data, in order
 * @throws ApiError DAMAGED_MEDIA
 */
export async function requireCodedPicture(
  reader: BoxReader,
  type: string,
  configuration: Box | undefined,
  extents: readonly Extent[],
): Promise<void> {
  const size = extents.reduce((sum, { length }) => sum + length, 0);
  const layout = nalLayouts[type];
  let at = 0;
  for (let units = 0; units < maxUnitsBeforePicture && at < size; units++) {
    reader.source.budget.elements.spend();
    if (type === "av01") {
      const unit = readObu(await readItem(reader, extents, at, maxObuHeadBytes));
      if (!unit) break;
      const { type: unitType, headBytes, length = size - at - headBytes } = unit;
      const end = at + headBytes + length;
      if (end > size) break;
      if ((unitType === obuFrame || unitType === obuFrameHeader) && length > 0) return;
      at = end;
    } else if (layout && configuration) {
      const lengthBytes = ((await reader.content(configuration)).readUInt8(layout.lengthSizeAt) & 3) + 1;
      const head = await readItem(reader, extents, at, lengthBytes + 2);
      if (head.length < lengthBytes + 2) break;
      const end = at + lengthBytes + head.readUIntBE(0, lengthBytes);
      const header = head.subarray(lengthBytes);
      const isUnit = end - at - lengthBytes >= minNalBytes && end <= size && header.readUInt8(0) < 0x80;
      if (!isUnit) break;
      if (layout.isPicture(header)) return;
      at = end;
    } else return;
  }
  throw damaged(`a picture (${type}) without a coded picture in its data`);
}

/** An open bitstream unit (AV1 specification section 5.3). */
interface Obu {
  readonly type: number;
  /** Size of the header and the length field. */
  readonly headBytes: number;
  /** Length of the content; undefined if it extends to the end of the data. */
  readonly length?: number;
}

/** Size of a header with an extension and the longest length field. */
const maxObuHeadBytes = 10;

/** Reads the header of a unit; undefined for invalid bytes. */
function readObu(bytes: Buffer): Obu | undefined {
  const [first = 0x80] = bytes;
  if (first & 0x80) return undefined;
  const type = (first >>> 3) & 15;
  let headBytes = first & 4 ? 2 : 1;
  if (!(first & 2)) return { type, headBytes };
  let length = 0;
  for (let scale = 1; headBytes < maxObuHeadBytes; scale *= 128) {
    const byte = bytes[headBytes++];
    if (byte === undefined) return undefined;
    length += (byte & 0x7f) * scale;
    if (byte < 0x80) return { type, headBytes, length };
  }
  return undefined;
}

/** Reads up to `length` bytes, from position `at`, of an item whose data may have several extents. */
async function readItem(
  reader: BoxReader,
  extents: readonly Extent[],
  at: number,
  length: number,
): Promise<Buffer> {
  const parts: Buffer[] = [];
  let [skipped, left] = [at, length];
  for (const extent of extents) {
    if (left === 0) break;
    const part = Math.min(left, extent.length - skipped);
    if (part > 0) {
      parts.push(Buffer.from(await reader.source.read(extent.offset + skipped, part)));
      left -= part;
    }
    skipped = Math.max(0, skipped - extent.length);
  }
  return Buffer.concat(parts);
}
