import { headerBytes, IccProfile, writeProfile } from "../colour/icc-profile.ts";
import { cleanElements, curveBytes } from "./icc-elements.ts";

/**
 * Tags that say what the numbers in an image look like (ICC.1:2022 section 9.2). All others go: names, serial numbers,
 * dates, measurements and the settings of a video card.
 */
const colourTags = /^(?:[rgb](?:XYZ|TRC)|kTRC|wtpt|chad|A2B[0-2]|B2A[0-2]|D2B[0-3]|B2D[0-3]|gamt|cicp)$/;

/** Kinds of profiles that say something about an image: input, display, output, colour space. */
const imageClasses = new Set(["scnr", "mntr", "prtr", "spac"]);

const description = "Colour profile";
const copyright = "Not stated";

/**
 * Makes a colour profile anew of what colours need. Displays write their serial number into theirs, and calibration
 * software its user's name. The description, the copyright, dates and makers become neutral.
 * @returns undefined for a profile that is malformed or says nothing about an image's colours
 */
export function cleanProfile(bytes: Buffer): Buffer<ArrayBuffer> | undefined {
  const clean = cleanParts(bytes);
  return clean && writeProfile(clean.header, new Map([...clean.colours, ...clean.texts]));
}

/**
 * The same, in as many bytes as the profile had.
 * @returns undefined also where that is impossible
 */
export function cleanProfileInPlace(bytes: Buffer): Buffer<ArrayBuffer> | undefined {
  const clean = cleanParts(bytes);
  return (
    clean &&
    (writeProfile(clean.header, new Map([...clean.colours, ...clean.texts]), bytes.length) ??
      // A tiny profile with a shorter description than ours. Readers do without.
      writeProfile(clean.header, clean.colours, bytes.length))
  );
}

interface CleanParts {
  readonly header: Buffer;
  readonly colours: ReadonlyMap<string, Buffer>;
  /** Texts that every profile should have. */
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

/** Version, class, colour spaces, rendering intent and illuminant stay (ICC.1:2022 table 17). */
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

/** The content of a tag without bytes that its type does not use; undefined for a type that is none of colours. */
function cleanTag(content: Buffer): Buffer | undefined {
  const type = content.toString("latin1", 0, 4);
  if (type === "mAB " || type === "mBA " || type === "mpet") return cleanElements(content);
  const length = tagBytes(type, content);
  if (length === undefined || length > content.length) return undefined;
  const clean = Buffer.from(content.subarray(0, length));
  clean.fill(0, 4, 8);
  return clean;
}

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

/** Of a `lut8Type` or `lut16Type` (ICC.1:2022 sections 10.10 and 10.11). */
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

/** `textDescriptionType` of ICC.1:2001-04 section 6.5.17, with neither Unicode nor Macintosh text. */
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

/** `multiLocalizedUnicodeType` with one language (ICC.1:2022 section 10.15). */
function localizedText(text: string): Buffer {
  const head = Buffer.from("mluc\0\0\0\0\0\0\0\x01\0\0\0\x0cenUS\0\0\0\0\0\0\0\x1c", "latin1");
  head.writeUInt32BE(text.length * 2, 20);
  return Buffer.concat([head, Buffer.from(text, "utf16le").swap16()]);
}
