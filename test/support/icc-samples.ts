// Colour profiles as displays, printers and scanners have them, with what must not be published in them.

const s15 = (...values: number[]) => {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => bytes.writeInt32BE(Math.round(value * 65_536), index * 4));
  return bytes;
};
const u16 = (...values: number[]) => {
  const bytes = Buffer.alloc(values.length * 2);
  values.forEach((value, index) => bytes.writeUInt16BE(value, index * 2));
  return bytes;
};
const u32 = (...values: number[]) => {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => bytes.writeUInt32BE(value >>> 0, index * 4));
  return bytes;
};
const latin1 = (text: string) => Buffer.from(text, "latin1");

export const xyz = (x: number, y: number, z: number) => Buffer.concat([latin1("XYZ \0\0\0\0"), s15(x, y, z)]);
export const gamma = (exponent: number) =>
  Buffer.concat([latin1("curv\0\0\0\0"), u32(1), u16(Math.round(exponent * 256)), u16(0)]);
export const sampled = (...values: number[]) =>
  Buffer.concat([
    latin1("curv\0\0\0\0"),
    u32(values.length),
    u16(...values),
    u16(...(values.length % 2 ? [0] : [])),
  ]);
export const parametric = (kind: number, ...values: number[]) =>
  Buffer.concat([latin1("para\0\0\0\0"), u16(kind, 0), s15(...values)]);
export const text = (content: string) => latin1(`text\0\0\0\0${content}\0`);
export const description = (content: string) =>
  Buffer.concat([latin1("desc\0\0\0\0"), u32(content.length + 1), latin1(`${content}\0`), Buffer.alloc(78)]);

/** sRGB's transfer function as a parametric curve. */
export const srgbCurve = parametric(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045);

/** `lut16Type` with two entries in each curve. */
export function lut16(inputs: number, grid: number, table: number[]): Buffer {
  return Buffer.concat([
    latin1("mft2\0\0\0\0"),
    Buffer.from([inputs, 3, grid, 0]),
    s15(1, 0, 0, 0, 1, 0, 0, 0, 1),
    u16(2, 2),
    ...Array.from({ length: inputs }, () => u16(0, 65_535)),
    u16(...table),
    ...Array.from({ length: 3 }, () => u16(0, 65_535)),
  ]);
}

/** `lut8Type` with straight curves. */
export function lut8(inputs: number, grid: number, table: number[]): Buffer {
  const straight = Buffer.from(Array.from({ length: 256 }, (_, value) => value));
  return Buffer.concat([
    latin1("mft1\0\0\0\0"),
    Buffer.from([inputs, 3, grid, 0]),
    s15(1, 0, 0, 0, 1, 0, 0, 0, 1),
    ...Array.from({ length: inputs }, () => straight),
    Buffer.from(table),
    straight,
    straight,
    straight,
  ]);
}

export interface ProfileSample {
  version?: number;
  deviceClass?: string;
  space?: string;
  connectionSpace?: string;
}

/** A profile of these tags, whose header tells a date, a maker and a model. */
export function profileOf(
  tags: [string, Buffer][],
  { version = 2, deviceClass = "mntr", space = "RGB ", connectionSpace = "XYZ " }: ProfileSample = {},
): Buffer {
  const table: Buffer[] = [u32(tags.length)];
  const data: Buffer[] = [];
  let offset = 128 + 4 + tags.length * 12;
  for (const [signature, content] of tags) {
    const padded = Buffer.concat([content, Buffer.alloc(-content.length & 3)]);
    table.push(latin1(signature), u32(offset, content.length));
    data.push(padded);
    offset += padded.length;
  }
  const header = Buffer.alloc(128);
  header.writeUInt32BE(offset, 0);
  header.write("APPL", 4);
  header.writeUInt8(version, 8);
  header.write(deviceClass + space + connectionSpace, 12, "latin1");
  header.set(u16(2026, 11, 1, 9, 30, 0), 24);
  header.write("acspAPPL", 36);
  header.write("SecrSeri", 48);
  header.set(s15(0.9642, 1, 0.8249), 68);
  header.write("secretprofile-id", 84);
  return Buffer.concat([header, ...table, ...data]);
}

export const p3Columns: [string, Buffer][] = [
  ["rXYZ", xyz(0.51512, 0.2412, -0.00105)],
  ["gXYZ", xyz(0.29198, 0.69225, 0.04189)],
  ["bXYZ", xyz(0.1571, 0.06657, 0.78407)],
];
const curves = (curve: Buffer): [string, Buffer][] => [
  ["rTRC", curve],
  ["gTRC", curve],
  ["bTRC", curve],
];

/** The profile of a calibrated display: Display P3's primaries, a gamma of 2.2, and its owner's secrets. */
export const displayProfile = (sample: ProfileSample = {}) =>
  profileOf(
    [
      ["desc", description("secret owner's iMac, calibrated 2026-11-01")],
      ["cprt", text("secret owner 2026")],
      ["mmod", latin1("mmod\0\0\0\0secret serial number")],
      ["wtpt", xyz(0.9505, 1, 1.0891)],
      ["vcgt", latin1("vcgt\0\0\0\0secret video card")],
      ...p3Columns,
      ...curves(gamma(2.2)),
      ["dmdd", description("secret model")],
      ["dmnd", description("secret maker")],
      ["prIV", latin1("text\0\0\0\0secret")],
    ],
    sample,
  );

export const srgbProfile = () =>
  profileOf([
    ["desc", description("sRGB")],
    ["rXYZ", xyz(0.4361, 0.2225, 0.0139)],
    ["gXYZ", xyz(0.3851, 0.7169, 0.0971)],
    ["bXYZ", xyz(0.1431, 0.0606, 0.7141)],
    ...curves(srgbCurve),
  ]);

export const greyProfile = (curve: Buffer, connectionSpace = "XYZ ") =>
  profileOf([["kTRC", curve]], { space: "GRAY", connectionSpace });

/** `lutAToBType` with a table of two points each way and straight curves, but for those in front of the table. */
export function aToB(inputs: number, table: number[], before: Buffer, matrix: number[]): Buffer {
  const straight = Buffer.concat(Array.from({ length: 3 }, () => parametric(0, 1)));
  const parts = [
    straight,
    s15(...matrix),
    straight,
    Buffer.concat([
      Buffer.from(Array.from({ length: 16 }, (_, index) => (index < inputs ? 2 : 0))),
      Buffer.from([2, 0, 0, 0]),
      u16(...table),
    ]),
    Buffer.concat(Array.from({ length: inputs }, () => before)),
  ];
  const offsets: number[] = [];
  let offset = 32;
  for (const part of parts) {
    offsets.push(offset);
    offset += part.length;
  }
  return Buffer.concat([latin1("mAB \0\0\0\0"), Buffer.from([inputs, 3, 0, 0]), u32(...offsets), ...parts]);
}

/** What four inks, each all or nothing, look like on paper, in CIE L*a*b*; the last one varies fastest. */
export const inkColours: [lightness: number, a: number, b: number][] = [0, 1].flatMap((cyan) =>
  [0, 1].flatMap((magenta) =>
    [0, 1].flatMap((yellow) =>
      [0, 1].map((black): [number, number, number] =>
        black
          ? [5, 0, 0]
          : [
              100 - cyan * 35 - magenta * 45 - yellow * 8,
              -30 * cyan + 60 * magenta - 5 * yellow,
              -40 * cyan - 5 * magenta + 80 * yellow,
            ],
      ),
    ),
  ),
);

const printer = (table: Buffer, version = 2) =>
  profileOf(
    [
      ["A2B0", table],
      ["wtpt", xyz(0.9642, 1, 0.8249)],
    ],
    {
      space: "CMYK",
      deviceClass: "prtr",
      connectionSpace: "Lab ",
      version,
    },
  );

/** Profiles of a printer with {@link inkColours}, in every form that tables have. */
export const printerProfiles = {
  mft1: printer(
    lut8(
      4,
      2,
      inkColours.flatMap(([l, a, b]) => [Math.round(l * 2.55), a + 128, b + 128]),
    ),
  ),
  mft2: printer(
    lut16(
      4,
      2,
      inkColours.flatMap(([l, a, b]) => [l * 652.8, (a + 128) * 256, (b + 128) * 256].map(Math.round)),
    ),
  ),
  mAB: printer(
    aToB(
      4,
      inkColours.flatMap(([l, a, b]) => [l * 655.35, (a + 128) * 257, (b + 128) * 257].map(Math.round)),
      gamma(1),
      [1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0],
    ),
    4,
  ),
};
