import type { RawPicture } from "./raw-picture.ts";

const dqt = 0xdb;
const sos = 0xda;
const eoi = 0xd9;
const app14 = 0xee;
/** Of a frame header: behind marker, length, precision, size and number of components, three bytes for each. */
const componentsAt = 10;

const colours = [0, 1, 2];
const black = 3;
/** What a block without coefficients decodes to. */
const middle = 128;

/**
 * Decodes a JPEG of four colours to its inks: cyan, magenta, yellow and black in the places of red, green, blue and
 * opacity, 255 for all of an ink.
 *
 * `Bun.Image` multiplies black into the other three, which cannot be undone. So the picture is decoded twice, each time
 * with a table of quantisation (ITU T.81 section B.2.4.1) that makes a constant of what is not wanted: first black, then
 * the colours.
 * @param bytes a JPEG whose segments follow each other at once, as planJpeg writes it
 * @param decode a pipeline to the pixels of a JPEG
 * @returns undefined for a JPEG that uses all four tables of quantisation
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
  // Colours as they are coded, not made of brightness and two differences.
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
  /** Of the first frame header. */
  readonly frame: number | undefined;
  /** Of the byte in Adobe's segment that says how colours are coded (TN 5116 section 18), in front of the frame header. */
  readonly transformAt: number | undefined;
  /** Numbers of the tables of quantisation. */
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
    else if (marker >= 0xc0 && marker <= 0xc2) frame ??= at;
    else if (marker === dqt)
      for (let table = at + 4; table < end; table += bytes.readUInt8(table) >> 4 ? 129 : 65)
        tables.add(bytes.readUInt8(table) & 15);
    at = marker === sos ? endOfScan(bytes, end) : end;
  }
  return { frame, transformAt, tables };
}

/** Where the marker behind a scan stands: stuffed zeros and restarts belong to the scan. */
function endOfScan(bytes: Buffer, from: number): number {
  let at = bytes.indexOf(0xff, from);
  while (at !== -1 && ((bytes[at + 1] ?? 0) < 0xc0 || ((bytes[at + 1] ?? 0) & 0xf8) === 0xd0))
    at = bytes.indexOf(0xff, at + 1);
  return at === -1 ? bytes.length : at;
}

/** The JPEG with a table of zeros, which these components of its frame use. */
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
