import { bareHeifOf, box, fullBox, u32, type HeifItem } from "../../metadata/container-samples.ts";

// Coded pictures of 128 × 64 pixels, made once with `heif-enc -q 50` and `avifenc --min 10 --max 20` from four areas of one
// colour each; see `areas`.

/** The colours of the picture: top left, top right, bottom left, bottom right. */
export const areas = [
  [224, 32, 32],
  [32, 192, 32],
  [32, 48, 224],
  [224, 224, 224],
] as const;
export const [width, height] = [128, 64];

/** A coded picture and its decoder configuration, a box. */
export interface Coded {
  readonly type: "hvc1" | "av01";
  readonly configuration: Buffer;
  readonly data: Buffer;
  readonly bits: number;
}

const coded = (type: Coded["type"], configuration: string, data: string, bits = 8): Coded => ({
  type,
  configuration: Buffer.from(configuration, "base64"),
  data: Buffer.from(data, "base64"),
  bits,
});

export const hevc = coded(
  "hvc1",
  "AAAAeGh2Y0MBA3AAAAAAAAAAAAAe8AD8/fj4AAAPAyAAAQAYQAEMAf//A3AAAAMAkAAAAwAAAwAeugJAIQABACtCAQEDcAAAAwCQAAADAAADAB6gECBBZbqSSmubgQEDAgAAAwACAAADAAIQIgABAAdEAcFysCJA",
  "AAAAWigBrxOAeNZTVEf//kErv/aF6f/B/lA/4P/7G4iP6Xln/5i+sJ6BM8zL5t92uPo7HCDKvjE1IZWpEOEV2SIuPz5Dv78t/+6yRSEPqf8xXH/qbmHp0zHGP2BB2A==",
);
export const hevc444 = coded(
  "hvc1",
  "AAAAd2h2Y0MBBAgAAAAAAAAAAAAe8AD8//j4AAAPAyAAAQAXQAEMAf//BAgAAAMAnjgAAAMAAB66AkAhAAEAKkIBAQQIAAADAJ44AAADAAAekAIECCy3UklNc3AgIGBAAAADAEAAAAMAQiIAAQAIRAHBcoYMAiQ=",
  "AAAAWigBrxOAeNZTVEf//kErv/aF6f/B/lA/4P/7G4iP6Xln/5i+sJ6BM8zL5t92uPo7HCDKvjE1IZWpEOEV2SIuPz5Dv78t/+6yRSEPqf8xXH/qbmHp0zHGP2BB2A==",
);
/** 10 bits. */
export const hevc10 = coded(
  "hvc1",
  "AAAAdmh2Y0MBBAgAAAAAAAAAAAAe8AD8/fr6AAAPAyAAAQAXQAEMAf//BAgAAAMAnbgAAAMAAB66AkAhAAEAKkIBAQQIAAADAJ24AAADAAAeoBAgQTZbqSSmubgQEDAgAAADACAAAAMAISIAAQAHRAHBcrAiQA==",
  "AAAAQCgBrxOA5TPhv//yxKP/7VDPD9tiKsUT/+e2xH+WVe//iB9mMlgv/5EWb/lVW/+kyCxnO3X8EHr/sTI/6NKG58A=",
  10,
);
/** Monochrome: the left half white, the right half black. */
export const hevcOpacity = coded(
  "hvc1",
  "AAAAc2h2Y0MBBAgAAAAAAAAAAAAe8AD8/Pj4AAAPAyAAAQAXQAEMAf//BAgAAAMAn/gAAAMAAB66AkAhAAEAJ0IBAQQIAAADAJ/4AAADAAAewECBBZbqSSmubAgAAAMACAAAAwAIQCIAAQAHRAHBcrAiQA==",
  "AAAAGigBrifD9Cn1D90y9X9oV//70Ojbv//NcHlg",
);
export const av1 = coded(
  "av01",
  "AAAADGF2MUOBAAwA",
  "EgAKCRgZf/7BAQ0GhDIxEeABhhhiALRVVWHrSV17/t6ffFq7KPfgCu5GfxiT3ERO5qe/QhnRs12P+rP0Ru+qFg==",
);
/** 10 bits, without chroma subsampling. */
export const av1With10Bits = coded(
  "av01",
  "AAAADGF2MUOBIEAA",
  "EgAKCTgZf/7GAhoNIDI4EeACiiiiALRVVW5eoZ+QgsRmTjCd6nNA7TjUq6ipVWVRx/e8K1MmAlJvdBNiI3DKOpKQFe3Zg1A=",
  10,
);
/** As {@link hevcOpacity}. */
export const av1Opacity = coded("av01", "AAAADGF2MUOBABwA", "EgAKBhgZf/7CoDITEAAAtFQDaP8aYFm8xjfW547tQA==");

export const irot = (quarterTurns: number) => box("irot", Buffer.from([quarterTurns]));
/** 0 exchanges top and bottom, 1 left and right. */
export const imir = (axis: number) => box("imir", Buffer.from([axis]));
/** @param offset of the centre, in pixels */
export const clap = (size: [number, number], offset: [number, number]) =>
  box("clap", u32(...[...size, ...offset].flatMap((value) => [value, 1])));
export const nclx = (primaries: number, transfer: number, matrix: number, isFullRange = true) =>
  box("colr", "nclx", Buffer.from([0, primaries, 0, transfer, 0, matrix, isFullRange ? 0x80 : 0]));
const auxC = fullBox("auxC", 0, "urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0");
const pixi = (depths: number[]) => fullBox("pixi", 0, Buffer.from([depths.length, ...depths]));

/** An item of a coded picture. */
export const item = (
  id: number,
  { type, configuration, data, bits }: Coded,
  essential: Buffer[] = [],
  properties: Buffer[] = [],
  more: Partial<HeifItem> = {},
): HeifItem => ({
  id,
  type,
  size: [width, height],
  payload: data,
  inData: true,
  properties: [pixi([bits, bits, bits]), ...properties],
  essential: [configuration, ...essential],
  ...more,
});

/** An auxiliary item with the opacity of item 1. */
export const opacityItem = (picture: Coded): HeifItem => ({
  ...item(2, picture, [], [], { references: { auxl: [1] } }),
  properties: [pixi([8]), auxC],
});

/** A file with these items; the brand follows the coding. */
export function fileOf(...items: HeifItem[]): Buffer {
  const file = bareHeifOf(items);
  if (items.some(({ type }) => type === "av01")) file.write("avif\0\0\0\0mif1avif", 8, "latin1");
  return file;
}

/** A grid of 2 × 2 tiles; its size may be less than that of all tiles. */
export function gridOf(
  tile: Coded,
  size: [number, number] = [2 * width, 2 * height],
  properties: Buffer[] = [],
): Buffer {
  const payload = Buffer.alloc(8);
  payload.set([0, 0, 1, 1]);
  payload.writeUInt16BE(size[0], 4);
  payload.writeUInt16BE(size[1], 6);
  const parts = [2, 3, 4, 5];
  const grid: HeifItem = {
    id: 1,
    type: "grid",
    size,
    payload,
    inData: true,
    parts,
    properties: [pixi([8, 8, 8])],
    essential: properties,
  };
  return fileOf(grid, ...parts.map((id) => item(id, tile)));
}
