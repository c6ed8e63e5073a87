import { searchWindows, type InPlaceFile } from "../in-place-file.ts";
import { app0, app1, app14, com, eoi, fillByte, isRestart, sof0, soi, sos } from "../jpeg/markers.ts";

/** A segment that decoders need, recognised by a text in its content. */
interface KnownSegment {
  /** Undefined for any APP segment. */
  readonly marker?: number;
  readonly text: string;
  /** Offset of the text in the content. */
  readonly at?: number;
  /** Bytes of the content to keep. */
  readonly bytes: number;
}

const knownSegments: readonly KnownSegment[] = [
  { marker: app0, text: "JFIF\0", bytes: 14 },
  // The field order.
  { marker: app0, text: "AVI1", bytes: 14 },
  { marker: app0, text: "AVID", bytes: 16 },
  { marker: app1, text: "mjpg", at: 4, bytes: 40 },
  // The colour transform.
  { marker: app14, text: "Adobe", bytes: 12 },
  ...["LJIF", "colr", "xfrm"].map((text) => ({ text, bytes: 16 })),
  // Encoders whose bugs decoders work around.
  ...["CS=ITU601", "AVID", "Intel(R) JPEG Library, version 1", "Metasoft MJPEG Codec", "MULTISCOPE II"].map(
    (text) => ({ marker: com, text, bytes: text.length }),
  ),
];
/** Bytes of a segment that are enough to recognise it. */
const headBytes = 48;

/** Whether the bytes start a JPEG. */
export function isJpeg(bytes: Buffer): boolean {
  return bytes.length >= 3 && bytes.readUIntBE(0, 3) === 0xffd8ff;
}

/**
 * Overwrites everything but the picture in the JPEGs of one Motion-JPEG frame: APP, COM and reserved segments (ITU T.81
 * annex B), and bytes before a picture, between its segments and after it. An interlaced frame holds two pictures.
 */
export function overwriteJpegComments(file: InPlaceFile, offset: number, end: number): void {
  for (let position = offset; position < end;) {
    let start = find(file, position, end, (marker) => marker === soi);
    // Decoders accept a picture without its SOI marker.
    if (start === end && position === offset) start = find(file, position, end, isMarker);
    if (start > position) file.wipe(position, start);
    position = start < end ? overwriteInPicture(file, start, end) : end;
  }
}

/** Overwrites within one picture. @returns the offset of its end */
function overwriteInPicture(file: InPlaceFile, from: number, end: number): number {
  let isInScan = false;
  for (let position = from; ;) {
    const at = find(file, position, end, isMarker);
    if (!isInScan && at > position) file.wipe(position, at, fillByte);
    if (at + 4 > end) return end;
    file.budget.blocks.spend();
    const head = file.read(at, Math.min(headBytes, end - at));
    const marker = head.readUInt8(1);
    if (marker === eoi) return at + 2;
    if (marker === soi) {
      // The second picture of a frame whose first picture has no EOI marker.
      if (at > from) return at;
      position = at + 2;
      continue;
    }
    isInScan = marker === sos;
    position = Math.min(at + 2 + Math.max(2, head.readUInt16BE(2)), end);
    if (!isOverwritten(marker)) continue;
    const wiped = at + 4 + keptBytes(marker, head.subarray(4));
    if (wiped < position) file.wipe(wiped, position);
  }
}

/** Whether 0xFF plus this byte is a marker; restart markers and stuffed zeros are part of the coded data. */
function isMarker(code: number): boolean {
  return code >= sof0 && code !== fillByte && !isRestart(code);
}

/** Whether to overwrite a segment: APPn, COM and reserved ones, except those of JPEG-LS. */
function isOverwritten(marker: number): boolean {
  return marker >= app0 && marker !== 0xf7 && marker !== 0xf8;
}

/** Returns how many bytes of the content of an APP or COM segment to keep. */
function keptBytes(marker: number, content: Buffer): number {
  const found = knownSegments.find(
    (segment) =>
      (segment.marker ?? (marker === com ? undefined : marker)) === marker &&
      content.toString("latin1", segment.at ?? 0, (segment.at ?? 0) + segment.text.length) === segment.text,
  );
  return found?.bytes ?? 0;
}

/** Finds the first matching marker in a range; returns `end` if there is none. */
function find(file: InPlaceFile, from: number, end: number, matches: (marker: number) => boolean): number {
  for (const { from: offset, length } of searchWindows(from, end, 1)) {
    const bytes = file.read(offset, length);
    for (let at = bytes.indexOf(0xff); at !== -1 && at + 1 < bytes.length; at = bytes.indexOf(0xff, at + 1))
      if (matches(bytes.readUInt8(at + 1))) return offset + at;
  }
  return end;
}
