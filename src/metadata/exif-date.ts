import { Tiff } from "./exif.ts";

/** Tags and types of EXIF 2.32. The times are in the EXIF directory, the last change also in the first one. */
const tags = { directory: 0x8769, original: 0x9003, digitized: 0x9004, offset: 0x9011, changed: 0x0132 };
const types = { ascii: 2, long: 4 };

/** What comes before EXIF data in JPEG and in the items of HEIC; in PNG; in WebP, with the length of the chunk after it. */
const marks = [
  { text: "Exif\0\0", skippedBytes: 0 },
  { text: "eXIf", skippedBytes: 0 },
  { text: "EXIF", skippedBytes: 4 },
].map(({ text, skippedBytes }) => ({ mark: Buffer.from(text, "latin1"), skippedBytes }));

/** Limit on the places that look like the beginning of EXIF data. */
const maxPlaces = 20;

/**
 * Finds the time at which a photo was taken, in EXIF data anywhere in the first bytes of a file of any format.
 * @returns as in ISO 8601, without an offset if the photo has local time only; undefined if it has none; never throws
 */
export function findTakenTime(bytes: Buffer): string | undefined {
  for (const { mark, skippedBytes } of marks) {
    let at = bytes.indexOf(mark);
    for (let places = 0; at !== -1 && places < maxPlaces; places++) {
      const tiff = Tiff.open(bytes.subarray(at + mark.length + skippedBytes));
      const time = tiff && readTakenTime(tiff);
      if (time) return time;
      at = bytes.indexOf(mark, at + 1);
    }
  }
  return undefined;
}

function readTakenTime(tiff: Tiff): string | undefined {
  const first = tiff.firstDirectory;
  const pointer = tiff.find(first, tags.directory, types.long);
  const directory = pointer === undefined ? undefined : tiff.long(pointer + 8);
  if (directory !== undefined) {
    const time = timeIn(tiff, directory, tags.original) ?? timeIn(tiff, directory, tags.digitized);
    const offset = /^[+-]\d\d:\d\d$/.exec(textIn(tiff, directory, tags.offset) ?? "")?.[0] ?? "";
    if (time) return time + offset;
  }
  return timeIn(tiff, first, tags.changed);
}

/** Rejects the times of cameras without a set clock, which are zeros or blanks. */
function timeIn(tiff: Tiff, directory: number, tag: number): string | undefined {
  const text = textIn(tiff, directory, tag) ?? "";
  const [, year, month, day, time] =
    /^([12]\d{3})[:-](0[1-9]|1[0-2])[:-]([0-2]\d|3[01])[ T]((?:[01]\d|2[0-3])(?::[0-5]\d){2})/.exec(text) ??
    [];
  return year === undefined || day === "00" ? undefined : `${year}-${month}-${day}T${time}`;
}

/** Text of more than four bytes is outside the entry, at the offset in it. */
function textIn(tiff: Tiff, directory: number, tag: number): string | undefined {
  const entry = tiff.find(directory, tag, types.ascii);
  if (entry === undefined) return undefined;
  const [length, offset] = [tiff.long(entry + 4), tiff.long(entry + 8)];
  return length <= 4 ? undefined : tiff.bytes.toString("latin1", offset, offset + Math.min(length, 32) - 1);
}
