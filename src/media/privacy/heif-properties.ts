import type { Box, BoxReader } from "../iso-boxes.ts";
import type { HeifMeta } from "./heif-meta.ts";
import { blankBox } from "./iso-blanking.ts";
import { cleanColours } from "./iso-colours.ts";
import type { Patches } from "./plan.ts";

/** Properties that say how a picture is decoded and shown (ISO/IEC 23008-12 section 6.5, AVIF 1.1 section 2). */
const known = new Set(
  [
    "ispe pixi colr pasp clap irot imir auxC rloc lsel iscl rref clli mdcv cclv amve ndwt",
    "hvcC lhvC avcC svcC mvcC vvcC vvnC evcC av1C a1op a1lx jpgC j2kH uncC cmpd cmpC icef",
    "oinf tols hvtC splz cpat snuc disi sbpm cmin cmex prfr grpl",
  ].flatMap((types) => types.split(" ")),
);

/** Names, alternative text, times, and boxes without a meaning of their own: for people, even where marked as essential. */
const personal = new Set(["udes", "altt", "crtt", "mdft", "uuid", "free", "skip"]);

/**
 * Blanks the properties that are for people or only their maker knows, such as names and times; items refer to
 * properties by counting them, so that a blanked one keeps its place. Colour profiles are made anew in place. A property
 * without which a picture must not be shown stays.
 */
export async function cleanProperties(
  reader: BoxReader,
  patches: Patches,
  { items, properties }: HeifMeta,
): Promise<void> {
  const essential = new Set<Box>();
  for (const item of items.values())
    for (const { box, isEssential } of item.properties) if (isEssential) essential.add(box);
  for (const property of properties)
    if (property.type === "colr") await cleanColours(reader, patches, property);
    else if (personal.has(property.type) || (!known.has(property.type) && !essential.has(property)))
      blankBox(patches, property);
}
