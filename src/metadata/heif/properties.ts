import type { Box, BoxReader } from "../iso/boxes.ts";
import type { HeifMeta } from "./meta.ts";
import { blankBox } from "../iso/blanking.ts";
import { cleanColours } from "../iso/colours.ts";
import { configuration } from "../iso/configuration.ts";
import type { Patches } from "../plan.ts";

/**
 * Properties for decoding and displaying a picture (ISO/IEC 23008-12 section 6.5, AVIF 1.1 section 2), with the number of
 * bytes that readers use; undefined for all bytes.
 */
const usedBytes: Readonly<Record<string, number | ((content: Buffer) => number | undefined) | undefined>> = {
  ispe: 12,
  pasp: 8,
  clap: 32,
  irot: 1,
  imir: 1,
  rloc: 12,
  lsel: 2,
  iscl: 12,
  clli: 4,
  mdcv: 24,
  amve: 8,
  ndwt: 8,
  a1op: 1,
  pixi: (content) => 5 + content.readUInt8(4),
  rref: (content) => 5 + 4 * content.readUInt8(4),
  a1lx: (content) => 1 + 3 * (content.readUInt8(0) & 1 ? 4 : 2),
  auxC: auxiliaryTypeBytes,
  ...Object.fromEntries(
    "cclv svcC mvcC vvnC jpgC j2kH uncC cmpd cmpC icef oinf tols hvtC splz cpat snuc disi sbpm cmin cmex prfr"
      .split(" ")
      .map((type) => [type, undefined]),
  ),
};

/** Decoder configurations, which are the same in the sample entries of a video. */
const decoderConfigurations = new Set("avcC hvcC lhvC vvcC evcC av1C".split(" "));

/** Used bits of properties with a single byte. */
const usedBits: Readonly<Record<string, number>> = { irot: 3, imir: 1 };

/** Types of auxiliary pictures: opacity, depth, gain maps, mattes. Other names may be arbitrary text. */
const auxiliaryTypes =
  /^(?:urn:mpeg:(?:mpegB:cicp:systems:auxiliary:[a-z]+|(?:hevc|avc|vvc|evc):20\d\d:auxid:\d+)|urn:com:(?:apple:)?photo:(?:20\d\d:)?aux:[a-z]+|tag:apple\.com,20\d\d:photo:aux:[a-z]+|urn:iso:std:iso:ts:21496:-1)$/;

/**
 * Blanks descriptive and vendor-specific properties, such as names and times, even if they are marked as essential. A
 * blanked property keeps its position, because items refer to properties by index. In the other properties, unused bytes
 * become zero. Colour profiles are rebuilt in place.
 */
export async function cleanProperties(
  reader: BoxReader,
  patches: Patches,
  { properties, others }: HeifMeta,
): Promise<void> {
  for (const box of others) blankBox(patches, box);
  for (const property of properties)
    if (property.type === "colr") await cleanColours(reader, patches, property);
    else if (decoderConfigurations.has(property.type)) await cleanConfiguration(reader, patches, property);
    else if (Object.hasOwn(usedBytes, property.type)) await cleanProperty(reader, patches, property);
    else blankBox(patches, property);
}

async function cleanProperty(reader: BoxReader, patches: Patches, property: Box): Promise<void> {
  const layout = usedBytes[property.type];
  const content = await reader.content(property);
  const used = typeof layout === "function" ? layout(content) : layout;
  if (used !== undefined) patches.wipe(Math.min(property.body + used, property.end), property.end);
  const bits = usedBits[property.type];
  const [value] = content;
  if (bits !== undefined && value !== undefined && (value & ~bits) > 0)
    patches.write(property.body, Buffer.from([value & bits]));
}

async function cleanConfiguration(reader: BoxReader, patches: Patches, property: Box): Promise<void> {
  const rule = configuration[property.type];
  const content = await reader.content(property);
  const used = rule?.bytes?.(content, content.length) ?? content.length;
  patches.wipe(Math.min(property.body + used, property.end), property.end);
  await rule?.clean?.(reader, patches, property);
}

/** Keeps a known type of auxiliary picture. MPEG's types may have parameters after the name. */
function auxiliaryTypeBytes(content: Buffer): number | undefined {
  const end = content.indexOf(0, 4);
  const name = content.toString("latin1", 4, end === -1 ? content.length : end);
  if (!auxiliaryTypes.test(name)) return 4;
  return /^urn:mpeg:(?:hevc|vvc)/.test(name) ? undefined : 4 + name.length + 1;
}
