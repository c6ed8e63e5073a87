import type { ByteSource } from "../byte-source.ts";
import { damaged } from "../damaged.ts";
import { orientationExif, readOrientation, turned, type Orientation } from "./exif.ts";
import { requireWholeScan } from "./jpeg-completeness.ts";
import { JpegFrames } from "./jpeg-frames.ts";
import { Pieces, type Rewriting } from "./plan.ts";

const soi = 0xd8;
const eoi = 0xd9;
const sos = 0xda;
const dnl = 0xdc;
const dhp = 0xde;
const app0 = 0xe0;
const app1 = 0xe1;
const app2 = 0xe2;
const app14 = 0xee;

interface Segment {
  readonly marker: number;
  /** Of the marker's last 0xFF. */
  readonly offset: number;
  readonly body: number;
  readonly end: number;
}

/**
 * Plans a JPEG (ITU T.81, JFIF 1.02, ICC.1 annex B.4, Adobe TN 5116) of tables and scans as they are, the JFIF header
 * without its thumbnail, the colour profile, Adobe's colour transform, and an EXIF of the orientation alone.
 * Everything behind the picture's own end is left out: second images, gain maps, motion videos.
 *
 * As lenient as decoders are: bytes that belong to nothing are passed over, and where only the end marker is missing
 * it is added.
 * @throws ApiError DAMAGED_MEDIA
 */
export async function planJpeg(source: ByteSource): Promise<Rewriting> {
  if ((await source.read(0, 2)).readUInt16BE(0) !== 0xff00 + soi) throw damaged("no start of image");
  const body = new Pieces();
  let jfif: Buffer | undefined;
  let orientation: Orientation | undefined;
  const frames = new JpegFrames();
  let hasScan = false;
  let position = 2;
  let isComplete = false;

  for (;;) {
    source.budget.elements.spend();
    const segment = await nextSegment(source, position);
    if (segment === undefined) break;
    const { marker, offset, end } = segment;
    position = end;
    if (marker === eoi) {
      isComplete = true;
      break;
    }
    const content = () => source.read(segment.body, end - segment.body);
    if (marker === sos) {
      frames.addScan();
      position = await endOfScan(source, end);
      body.keep(offset, position - offset);
      hasScan ||= position > end;
    } else if (isPartOfPicture(marker)) {
      body.keep(offset, end - offset);
      if (isFrame(marker)) frames.addFrame(await content());
      else if (marker === dnl) frames.setHeight(await content());
    } else if (hasScan) {
      // Decoders read these before the first scan only.
    } else if (marker === app0) {
      jfif ??= jfifHeader(await content());
    } else if (marker === app1) {
      orientation ??= orientationOf(await content());
    } else if (marker === app2) {
      if (startsWith(await content(), "ICC_PROFILE\0")) body.keep(offset, end - offset);
    } else if (marker === app14) {
      const adobe = await content();
      if (startsWith(adobe, "Adobe") && adobe.length >= 12) body.add(segmentOf(app14, adobe.subarray(0, 12)));
    }
  }
  if (!hasScan) throw damaged("no picture");
  const { width, height, decodedPixels } = frames.sizes();
  if (!isComplete) await requireWholeScan(source, position);

  const pieces = new Pieces();
  pieces.keep(0, 2);
  if (jfif) pieces.add(jfif);
  if (orientation && orientation > 1)
    pieces.add(
      segmentOf(app1, Buffer.concat([Buffer.from("Exif\0\0", "latin1"), orientationExif(orientation)])),
    );
  pieces.addAll(body);
  pieces.add(Buffer.from([0xff, eoi]));
  return {
    pieces: pieces.list,
    orientation: orientation ?? 1,
    size: turned(width, height, orientation ?? 1),
    decodedPixels,
    hasPicture: true,
  };
}

/** The segment at or after `from`; undefined at the end of the file. */
async function nextSegment(source: ByteSource, from: number): Promise<Segment | undefined> {
  const found = await findMarker(source, from, (code) => code !== 0x00);
  if (!found) return undefined;
  const { marker, end } = found;
  const hasNoBody = marker === 0x01 || marker === soi || marker === eoi || isRestart(marker);
  if (hasNoBody) return { marker, offset: end - 2, body: end, end };
  const length = (await source.read(end, 2)).readUInt16BE(0);
  if (length < 2) throw damaged(`a segment of ${length} bytes at ${end}`);
  if (end + length > source.size) throw damaged(`a segment beyond the end at ${end}`);
  return { marker, offset: end - 2, body: end + 2, end: end + length };
}

/** Where the coded data from `from` ends: at the 0xFF of the next marker, or at the end of the file. */
async function endOfScan(source: ByteSource, from: number): Promise<number> {
  const next = await findMarker(source, from, endsScan);
  if (next) return next.start;
  const isHalfMarker = (await source.read(source.size - 1, 1)).readUInt8(0) === 0xff;
  return isHalfMarker ? Math.max(from, source.size - 1) : source.size;
}

/**
 * The first marker from `from` on that is wanted. 0xFF may stand any number of times before a marker's code.
 * Thumbnails inside segments hold markers too: call it between segments and inside scans only.
 */
async function findMarker(
  source: ByteSource,
  from: number,
  wanted: (marker: number) => boolean,
): Promise<{ marker: number; start: number; end: number } | undefined> {
  let start: number | undefined;
  for (let offset = from; offset < source.size;) {
    const bytes = await source.readSome(offset);
    for (let index = 0; index < bytes.length; index++) {
      if (start === undefined) {
        index = bytes.indexOf(0xff, index);
        if (index === -1) break;
        start = offset + index;
      } else if (bytes[index] !== 0xff) {
        const marker = bytes[index] as number;
        if (wanted(marker)) return { marker, start, end: offset + index + 1 };
        start = undefined;
      }
    }
    offset += bytes.length;
  }
  return undefined;
}

/** Stuffed zeros and restarts are part of a scan; reserved codes are a damage that decoders pass over. */
function endsScan(marker: number): boolean {
  return marker >= 0xc0 && marker !== 0xc8 && !isRestart(marker) && !(marker >= 0xf0 && marker <= 0xfd);
}

function isRestart(marker: number): boolean {
  return marker >= 0xd0 && marker <= 0xd7;
}

/** SOFn, DHT, DAC, DQT, DNL, DRI, DHP, EXP. */
function isPartOfPicture(marker: number): boolean {
  return (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc8) || (marker >= 0xdb && marker <= 0xdf);
}

/** SOFn, and DHP, which gives the size of a hierarchical picture in the same way. */
function isFrame(marker: number): boolean {
  if (marker === dhp) return true;
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

/** The 18 bytes of a JFIF header without thumbnail. */
function jfifHeader(content: Buffer): Buffer | undefined {
  if (!startsWith(content, "JFIF\0") || content.length < 14) return undefined;
  const header = Buffer.from(content.subarray(0, 14));
  header.fill(0, 12);
  return segmentOf(app0, header);
}

function orientationOf(content: Buffer): Orientation | undefined {
  return startsWith(content, "Exif\0") ? readOrientation(content.subarray(6)) : undefined;
}

function segmentOf(marker: number, content: Buffer): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(content.length + 2, 2);
  return Buffer.concat([head, content]);
}

function startsWith(content: Buffer, signature: string): boolean {
  return content.toString("latin1", 0, signature.length) === signature;
}
