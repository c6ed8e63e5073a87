import { headerBytes, IccProfile, writeProfile } from "../colour/icc-profile.ts";
import { cleanElements, curveBytes } from "./icc-elements.ts";

/** Limit for an uncompressed profile. */
export const maxProfileBytes = 16 * 1024 * 1024;

/**
 * Tags that define the colours of an image (ICC.1:2022 section 9.2). All others are removed: names, serial numbers,
 * dates, measurements and video card settings.
 */
const colourTags = /^(?:[rgb](?:XYZ|TRC)|kTRC|wtpt|chad|A2B[0-2]|B2A[0-2]|D2B[0-3]|B2D[0-3]|gamt|cicp)$/;

/** Profile classes that apply to images: input, display, output, colour space. */
const imageClasses = new Set(["scnr", "mntr", "prtr", "spac"]);

const description = "Colour profile";
const copyright = "Not stated";

/**
 * Rebuilds a colour profile from the tags that define colours, with a neutral description and copyright. Profiles of
 * displays contain serial numbers, and calibration software adds the name of its user.
 * @returns undefined for a profile that is malformed or does not define the colours of images
 */
export function cleanProfile(bytes: Buffer): Buffer<ArrayBuffer> | undefined {
  const clean = cleanParts(bytes);
  return clean && writeProfile(clean.header, new Map([...clean.colours, ...clean.texts]));
}

/**
 * Does the same, with a result of the same length as `bytes`.
 * @returns undefined also if that length is impossible
 */
export function cleanProfileInPlace(bytes: Buffer): Buffer<ArrayBuffer> | undefined {
  const clean = cleanParts(bytes);
  return (
    clean &&
    (writeProfile(clean.header, new Map([...clean.colours, ...clean.texts]), bytes.length) ??
      // The texts do not fit into a tiny profile. Readers do not need them.
      writeProfile(clean.header, clean.colours, bytes.length))
  );
}

interface CleanParts {
  readonly header: Buffer;
  readonly colours: ReadonlyMap<string, Buffer>;
  /** The description and the copyright, which every profile should have. */
  readonly texts: ReadonlyMap<string, Buffer>;
}

function cleanParts(bytes: Buffer): CleanParts | undefined {
  const profile = IccProfile.read(bytes);
  if (!profile || !imageClasses.has(profile.deviceClass)) return undefined;
  const colours = new Map<string, Buffer>();
  for (const [signature, content] of profile.tags) {
    if (!colourTags.test(signature)) continue;
    const kept = cleanTag(content);
    if (kept) colours.set(signature, kept);
  }
  const isEnough =
    colours.has("kTRC") ||
    [...colours.keys()].some((signature) => /^(A2B|D2B)/.test(signature)) ||
    ["rXYZ", "gXYZ", "bXYZ", "rTRC", "gTRC", "bTRC"].every((signature) => colours.has(signature));
  if (!isEnough) return undefined;
  const text = profile.majorVersion >= 4 ? localizedText : plainText;
  return {
    header: cleanHeader(profile.header),
    colours,
    texts: new Map([
      ["desc", profile.majorVersion >= 4 ? localizedText(description) : textDescription(description)],
      ["cprt", text(copyright)],
    ]),
  };
}

/** Keeps version, class, colour spaces, rendering intent and illuminant (ICC.1:2022 table 17). */
function cleanHeader(header: Buffer): Buffer {
  const clean = Buffer.alloc(headerBytes);
  for (const [from, to] of [
    [8, 24],
    [36, 40],
    [64, 80],
  ] as const)
    header.copy(clean, from, from, to);
  return clean;
}

/**
 * Returns the content of a tag without the bytes that its type does not use; undefined for a type that colours do not
 * use.
 */
function cleanTag(content: Buffer): Buffer | undefined {
  const type = content.toString("latin1", 0, 4);
  if (type === "mAB " || type === "mBA " || type === "mpet") return cleanElements(content);
  const length = tagBytes(type, content);
  if (length === undefined || length > content.length) return undefined;
  const clean = Buffer.from(content.subarray(0, length));
  clean.fill(0, 4, 8);
  return clean;
}

/** Returns the bytes that a tag of this type uses; undefined for a type that colours do not use. */
function tagBytes(type: string, content: Buffer): number | undefined {
  switch (type) {
    case "XYZ ":
      return 20;
    case "curv":
    case "para":
      return curveBytes(content);
    case "sf32":
      return 44;
    case "cicp":
      return 12;
    case "mft1":
    case "mft2":
      return lutBytes(content);
    default:
      return undefined;
  }
}

/** Returns the bytes of a `lut8Type` or `lut16Type` (ICC.1:2022 sections 10.10 and 10.11). */
function lutBytes(content: Buffer): number | undefined {
  if (content.length < 52) return undefined;
  const [inputs = 0, outputs = 0, grid = 0] = content.subarray(8, 11);
  const cells = grid ** inputs * outputs;
  if (content.toString("latin1", 0, 4) === "mft1") return 48 + 256 * (inputs + outputs) + cells;
  const [inputEntries, outputEntries] = [content.readUInt16BE(48), content.readUInt16BE(50)];
  return 52 + 2 * (inputs * inputEntries + cells + outputs * outputEntries);
}

function plainText(text: string): Buffer {
  return Buffer.from(`text\0\0\0\0${text}\0`, "latin1");
}

/** Returns a `textDescriptionType` without Unicode and Macintosh text (ICC.1:2001-04 section 6.5.17). */
function textDescription(text: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length + 1);
  return Buffer.concat([
    Buffer.from("desc\0\0\0\0", "latin1"),
    length,
    Buffer.from(`${text}\0`, "latin1"),
    Buffer.alloc(8 + 3 + 67),
  ]);
}

/** Returns a `multiLocalizedUnicodeType` in one language (ICC.1:2022 section 10.15). */
function localizedText(text: string): Buffer {
  const head = Buffer.from("mluc\0\0\0\0\0\0\0\x01\0\0\0\x0cenUS\0\0\0\0\0\0\0\x1c", "latin1");
  head.writeUInt32BE(text.length * 2, 20);
  return Buffer.concat([head, Buffer.from(text, "utf16le").swap16()]);
}
