import { displayProfile } from "../support/icc-samples.ts";

/** Numbers of four bytes, most significant first. */
export function u32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => bytes.writeUInt32BE(value >>> 0, index * 4));
  return bytes;
}

export function u16(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  values.forEach((value, index) => bytes.writeUInt16BE(value, index * 2));
  return bytes;
}

/** So many numbers of four bytes, too many for arguments. */
export function numbers(count: number, value: (index: number) => number): Buffer {
  const bytes = Buffer.alloc(count * 4);
  for (let index = 0; index < count; index++) bytes.writeUInt32BE(value(index), index * 4);
  return bytes;
}

type Content = Buffer | string;

const join = (parts: Content[]) =>
  Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part, "latin1") : part)));

export function box(type: string, ...content: Content[]): Buffer {
  const body = join(content);
  return join([u32(body.length + 8), type, body]);
}

/** A box with its size in 64 bits. */
export function longBox(type: string, ...content: Content[]): Buffer {
  const body = join(content);
  return join([u32(1), type, u32(0, body.length + 16), body]);
}

/** A box with version and flags. */
export function fullBox(type: string, version: number, ...content: Content[]): Buffer {
  return box(type, u32(version << 24), ...content);
}

export const ftyp = box("ftyp", "isom\0\0\0\0isom");
export const xmpUuid = Buffer.from("be7acfcb97a942e89c71999491e3afac", "hex");
export const piffUuid = Buffer.from("a2394f525a9b4f14a2446c427c648df4", "hex");

const matrices = {
  upright: u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000),
  sideways: u32(0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000),
  /** Upside down, twice as wide. */
  stretched: u32(-0x20000, 0, 0, 0, -0x10000, 0, 0, 0, 0x40000000),
  zero: u32(0, 0, 0, 0, 0, 0, 0, 0, 0),
};

export interface TrackSample {
  id: number;
  handler: string;
  matrix?: keyof typeof matrices;
  /** Where its chunks lie, each of one sample. */
  chunks?: number[];
  sampleBytes?: number;
  /** Size of its pictures as its sample entry says; none unless given. */
  coded?: [width: number, height: number];
  /** Sample entries, instead of one made from `coded`. */
  entries?: Buffer[];
  /** Instead of the tables made from `chunks` and `sampleBytes`. */
  tables?: Buffer[];
  extra?: Buffer[];
  /** More boxes in `mdia`, `minf` and `stbl`. */
  inMedia?: Buffer[];
  inInformation?: Buffer[];
  inTables?: Buffer[];
  /** Size in its header, which may be a fraction. */
  shown?: [width: number, height: number];
}

/** A sample entry of pictures, with the name of a codec, and boxes behind it. */
export function pictureEntry(
  type: string,
  [width, height]: [width: number, height: number],
  { name = "", boxes = [], depth = 24 }: { name?: string; boxes?: Buffer[]; depth?: number } = {},
): Buffer {
  const head = Buffer.alloc(78);
  head.writeUInt16BE(1, 6);
  head.writeUInt16BE(width, 24);
  head.writeUInt16BE(height, 26);
  head.writeUInt8(name.length, 42);
  head.write(name, 43, "latin1");
  head.writeUInt16BE(depth, 74);
  head.writeUInt16BE(depth > 8 ? 0xffff : 0, 76);
  return box(type, head, ...boxes);
}

/** A video whose last box is `mdat` with this data; `parts` are built with the place where that starts. */
export function movieFile(data: Content, parts: (data: number) => Buffer[]): Buffer {
  const mdat = box("mdat", data);
  const before = (at: number) => Buffer.concat([ftyp, ...parts(at)]);
  return Buffer.concat([before(before(0).length + 8), mdat]);
}

/** A `trak` of 64×48 pixels, created at a time that is secret. */
export function track(sample: TrackSample): Buffer {
  const { id, handler, matrix = "upright", chunks = [], sampleBytes = 0, coded, extra = [] } = sample;
  const { inMedia = [], inInformation = [], inTables = [], shown = [64, 48] } = sample;
  const entries = sample.entries ?? (coded ? [pictureEntry("av01", coded)] : []);
  const tables = sample.tables ?? [
    fullBox("stsc", 0, u32(1, 1, 1, 1)),
    fullBox("stsz", 0, u32(0, chunks.length), u32(...chunks.map(() => sampleBytes))),
    fullBox("stco", 0, u32(chunks.length, ...chunks)),
  ];
  return box(
    "trak",
    fullBox(
      "tkhd",
      0,
      "timetime",
      u32(id, 0, 0, 0, 0, 0, 0),
      matrices[matrix],
      u32(...shown.map((side) => Math.round(side * 65_536))),
    ),
    box(
      "mdia",
      fullBox("mdhd", 0, "timetime", u32(1000, 1000, 0)),
      fullBox("hdlr", 0, "mhlr", handler, "appl\0\0\0\0\0\0\0\0", "secret handler\0"),
      box(
        "minf",
        box("stbl", fullBox("stsd", 0, u32(entries.length), ...entries), ...tables, ...inTables),
        box("udta", "secret"),
        ...inInformation,
      ),
      ...inMedia,
    ),
    ...extra,
  );
}

export function movie(...parts: Buffer[]): Buffer {
  return turnedMovie("upright", ...parts);
}

/** A `moov` that is turned as a whole. */
export function turnedMovie(matrix: keyof typeof matrices, ...parts: Buffer[]): Buffer {
  const header = fullBox("mvhd", 0, "timetime", Buffer.alloc(24), matrices[matrix], Buffer.alloc(28));
  return box("moov", header, ...parts);
}

/** A HEIC whose EXIF lies in the media data and whose XMP lies in `idat`. */
export function heic(exif: Buffer, xmp: Buffer, picture: Buffer): Buffer {
  const item = (id: number, type: string, more = "") =>
    box("infe", u32(0x02000000), u16(id, 0), type, "\0", more);
  const build = (dataOffset: number) =>
    Buffer.concat([
      box("ftyp", "heic\0\0\0\0mif1heic"),
      fullBox(
        "meta",
        0,
        fullBox("hdlr", 0, u32(0), "pict", Buffer.alloc(12), "secret handler\0"),
        fullBox("pitm", 0, u16(1)),
        fullBox(
          "iinf",
          0,
          u16(3),
          item(1, "hvc1"),
          item(2, "Exif"),
          item(3, "mime", "application/rdf+xml\0"),
        ),
        box(
          "iprp",
          box(
            "ipco",
            fullBox("ispe", 0, u32(64, 48)),
            box("irot", "\x01"),
            box("colr", "prof", displayProfile()),
            box("udes", "secret"),
            hvcC,
          ),
          fullBox("ipma", 0, u32(1), u16(1), "\x05\x01\x82\x03\x04\x85"),
        ),
        box("idat", xmp),
        fullBox(
          "iloc",
          1,
          u16(0x4400),
          u16(3),
          u16(1, 0, 0, 1),
          u32(dataOffset, picture.length),
          u16(2, 0, 0, 1),
          u32(dataOffset + picture.length, exif.length),
          u16(3, 1, 0, 1),
          u32(0, xmp.length),
        ),
        box("free", "secret"),
      ),
    ]);
  const head = build(0).length + 8;
  return Buffer.concat([build(head), box("mdat", picture, exif)]);
}

/** An EBML element with a size of one byte, or an open one. */
export function element(id: number, ...content: Content[]): Buffer {
  const body = join(content);
  const size = body.length < 127 ? [0x80 | body.length] : [0x40 | (body.length >> 8), body.length & 0xff];
  return Buffer.concat([elementId(id), Buffer.from(size), body]);
}

export function openElement(id: number, ...content: Content[]): Buffer {
  return Buffer.concat([elementId(id), Buffer.from([0xff]), join(content)]);
}

function elementId(id: number): Buffer {
  return Buffer.from(id.toString(16).padStart(2, "0"), "hex");
}

export interface HeifItem {
  id: number;
  type: string;
  /** As `ispe` says; none unless given. */
  size?: [width: number, height: number];
  /** Lies in `idat`, or in the media data where {@link inData} says so. Coded pictures have one unless given. */
  payload?: Buffer;
  inData?: boolean;
  /** Numbers of the items it is made of. */
  parts?: number[];
  /** Numbers of the items that it refers to, by the type of reference. */
  references?: Record<string, number[]>;
  turned?: boolean;
  /** Further properties, behind the others. */
  properties?: Buffer[];
  /** Properties without which it must not be shown. */
  essential?: Buffer[];
  name?: string;
  contentType?: string;
}

/** HEVC's configuration of units with four bytes for their length, without parameter sets. */
export const hvcC = box("hvcC", Buffer.alloc(21, 1), "\xff\0");
const configurations: Readonly<Record<string, Buffer>> = {
  hvc1: hvcC,
  av01: box("av1C", Buffer.alloc(4, 1)),
};

/** The form of a coded picture, with this in place of its slice: one unit of HEVC or of AV1. */
export function codedPicture(text = "picture", type = "hvc1"): Buffer {
  if (type === "av01") return Buffer.concat([Buffer.from([0x32, text.length]), Buffer.from(text)]);
  return Buffer.concat([u32(text.length + 2), Buffer.from([0x28, 1]), Buffer.from(text)]);
}

/**
 * A HEIC of these items, the first of them its primary picture. Coded pictures have a configuration and data, unless
 * they are bare.
 */
export function heifOf(items: HeifItem[], ...more: Buffer[]): Buffer {
  return buildHeif(items, more, false);
}

/** The same, without configurations and without data that is not given. */
export function bareHeifOf(items: HeifItem[], ...more: Buffer[]): Buffer {
  return buildHeif(items, more, true);
}

function buildHeif(items: HeifItem[], more: Buffer[], isBare: boolean): Buffer {
  const properties: Buffer[] = [];
  const associations = items.map(({ id, type, size, turned, properties: own = [], essential = [] }) => {
    const indexes: number[] = [];
    const add = (property: Buffer, flag = 0) => indexes.push(properties.push(property) | flag);
    if (size) add(fullBox("ispe", 0, u32(...size)));
    if (turned) add(box("irot", "\x01"));
    const configuration = isBare ? undefined : configurations[type];
    if (configuration) add(configuration, 0x80);
    for (const property of own) add(property);
    for (const property of essential) add(property, 0x80);
    return Buffer.concat([u16(id), Buffer.from([indexes.length, ...indexes])]);
  });
  const references = items.flatMap(({ id, parts, references: others = {} }) =>
    Object.entries({ ...(parts ? { dimg: parts } : {}), ...others }).map(([type, to]) =>
      box(type, u16(id, to.length, ...to)),
    ),
  );
  const placed = items.flatMap((item) => {
    const payload =
      item.payload ?? (!isBare && configurations[item.type] ? codedPicture("picture", item.type) : undefined);
    return payload ? [{ id: item.id, payload, inData: item.inData ?? !item.payload }] : [];
  });
  const inPlace = (inData: boolean) =>
    placed.filter((item) => item.inData === inData).map(({ payload }) => payload);
  const build = (dataOffset: number) => {
    const next = { data: dataOffset, idat: 0 };
    const locations = placed.map(({ id, payload, inData }) => {
      const place = inData ? "data" : "idat";
      const location = Buffer.concat([u16(id, inData ? 0 : 1, 0, 1), u32(next[place], payload.length)]);
      next[place] += payload.length;
      return location;
    });
    return Buffer.concat([
      box("ftyp", "heic\0\0\0\0mif1heic"),
      fullBox(
        "meta",
        0,
        fullBox("hdlr", 0, u32(0), "pict", Buffer.alloc(13)),
        fullBox("pitm", 0, u16(items[0]?.id ?? 0)),
        fullBox(
          "iinf",
          0,
          u16(items.length),
          ...items.map(({ id, type, name = "", contentType }) =>
            box(
              "infe",
              u32(0x02000000),
              u16(id, 0),
              type,
              `${name}\0`,
              contentType === undefined ? "" : `${contentType}\0`,
            ),
          ),
        ),
        fullBox("iref", 0, ...references),
        box("iprp", box("ipco", ...properties), fullBox("ipma", 0, u32(items.length), ...associations)),
        // libavif rejects an empty one.
        ...(inPlace(false).length > 0 ? [box("idat", ...inPlace(false))] : []),
        fullBox("iloc", 1, u16(0x4400, placed.length), ...locations),
      ),
    ]);
  };
  const head = build(0).length + 8;
  return Buffer.concat([build(head), box("mdat", ...inPlace(true)), ...more]);
}

/** What a `grid` item holds, with its size in 16 or 32 bits. */
export function gridPayload(rows: number, columns: number, width: number, height: number): Buffer {
  const isWide = width > 0xffff || height > 0xffff;
  const head = Buffer.from([0, isWide ? 1 : 0, rows - 1, columns - 1]);
  return Buffer.concat([head, isWide ? u32(width, height) : u16(width, height)]);
}

/** What an `iovl` item holds: a background, a canvas, and where each part lies on it. */
export function overlayPayload(width: number, height: number): Buffer {
  return Buffer.concat([Buffer.from([0, 1]), u16(0, 0, 0, 0), u32(width, height, 0, 0)]);
}
