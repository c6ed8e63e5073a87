import { app14, dqt, eoi, isRestart, sof0, sof2, sos } from "../metadata/jpeg/markers.ts";
import type { RawPicture } from "./raw-picture.ts";

/** Offset of the components in a frame header, after marker, length, precision, size and count; three bytes each. */
const componentsAt = 10;

/** Components of a JPEG in CMYK or YCCK. */
const colours = [0, 1, 2];
const black = 3;
/** The value that a block without coefficients decodes to. */
const middle = 128;

/**
 * Decodes a JPEG in CMYK to its inks: cyan, magenta, yellow and black replace red, green, blue and alpha; 255 is the
 * maximum of an ink.
 *
 * `Bun.Image` multiplies black into the other inks, which cannot be undone. The picture is therefore decoded twice,
 * with a quantisation table of zeros (ITU T.81 section B.2.4.1) that makes first black and then the other inks
 * constant.
 * @param bytes a JPEG without bytes between its segments, as planJpeg writes it
 * @param decode decodes a JPEG to its pixels
 * @returns undefined for a JPEG that uses all four quantisation tables
 * @throws the errors of `decode`
 */
export async function decodeCmyk(
  bytes: Buffer<ArrayBuffer>,
  decode: (bytes: Buffer<ArrayBuffer>) => Promise<RawPicture>,
): Promise<RawPicture | undefined> {
  const { frame, transformAt, tables } = readLayout(bytes);
  const free = [0, 1, 2, 3].find((table) => !tables.has(table));
  if (frame === undefined || free === undefined) return undefined;
  const without = (components: readonly number[]) => withConstants(bytes, frame, components, free);
  const picture = await decode(without([black]));
  const blackOnly = without(colours);
  // Transform 0 makes the decoder read the constants as CMY, without a conversion from YCC.
  if (transformAt !== undefined) blackOnly.writeUInt8(0, transformAt);
  const ink = await decode(blackOnly);
  const inked = (value: number) => 255 - Math.min(255, Math.round((value * 255) / middle));
  picture.forEach((rows, at) => {
    for (const index of colours) rows[at + index] = inked(rows[at + index] as number);
    rows[at + black] = inked(ink.rows[at] as number);
  });
  return picture;
}

interface Layout {
  /** Offset of the first frame header. */
  readonly frame: number | undefined;
  /** Offset of the colour transform in Adobe's segment (TN 5116 section 18), which precedes the frame header. */
  readonly transformAt: number | undefined;
  /** Numbers of the quantisation tables that the JPEG defines. */
  readonly tables: ReadonlySet<number>;
}

function readLayout(bytes: Buffer): Layout {
  const tables = new Set<number>();
  let frame: number | undefined;
  let transformAt: number | undefined;
  for (let at = 2; at + 4 <= bytes.length && bytes[at + 1] !== eoi;) {
    const marker = bytes.readUInt8(at + 1);
    const end = at + 2 + bytes.readUInt16BE(at + 2);
    if (marker === app14 && frame === undefined) transformAt = at + 4 + 11;
    else if (marker >= sof0 && marker <= sof2) frame ??= at;
    else if (marker === dqt)
      for (let table = at + 4; table < end; table += bytes.readUInt8(table) >> 4 ? 129 : 65)
        tables.add(bytes.readUInt8(table) & 15);
    at = marker === sos ? endOfScan(bytes, end) : end;
  }
  return { frame, transformAt, tables };
}

/** Returns the offset of the marker after a scan. Stuffed zeros and restart markers are part of the scan. */
function endOfScan(bytes: Buffer, from: number): number {
  let at = bytes.indexOf(0xff, from);
  while (at !== -1 && ((bytes[at + 1] ?? 0) < sof0 || isRestart(bytes[at + 1] ?? 0)))
    at = bytes.indexOf(0xff, at + 1);
  return at === -1 ? bytes.length : at;
}

/** Returns the JPEG with a quantisation table of zeros for these components of its frame. */
function withConstants(
  bytes: Buffer,
  frame: number,
  components: readonly number[],
  table: number,
): Buffer<ArrayBuffer> {
  const zeros = Buffer.alloc(2 + 67);
  zeros.set([0xff, dqt, 0, 67, table]);
  const changed = Buffer.concat([bytes.subarray(0, frame), zeros, bytes.subarray(frame)]);
  for (const component of components)
    changed.writeUInt8(table, frame + zeros.length + componentsAt + component * 3 + 2);
  return changed;
}
