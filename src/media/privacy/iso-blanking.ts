import type { Box, BoxReader } from "../iso-boxes.ts";
import type { Patches } from "./plan.ts";

/** `uuid` boxes of metadata; all others stay, since encryption and smooth streaming live in such boxes. */
const personalUuids = new Set([
  "be7acfcb97a942e89c71999491e3afac", // XMP
  "33c7a4d2b81d4723a0baf1a3e097ad38", // IPTC
  "0537cdab9d0c4431a72afa561f2a113e", // EXIF
  "55534d5421d24fcebb88695cfac9c740", // Sony: title, date
  "4ab03b0f618d407582b2d9faced35ff5", // Flip: serial number
  "85c0b687820f11e08111f4ce462b6a48", // Canon: EXIF, thumbnail
  "210f1687914911e4811100242131fce4", // Canon
  "eaf42b5e1c984b88b9fbb7dc406e4d16", // Canon: preview
  "efe1589abb7749ef809527759eb1dc6f", // 360fly: sensors
  "9b630f8d637440ec8204bc5ff5091728", // Garmin: track
  "d8fec3d61b0e483c92975828877ec481", // C2PA: claims of origin
]);

const personalTypes = new Set(["udta", "meta", "free", "skip"]);

/** Whether the box holds metadata, or leftovers of an older one, wherever it stands. */
export async function isPersonal(reader: BoxReader, box: Box): Promise<boolean> {
  if (box.type !== "uuid") return personalTypes.has(box.type);
  if (box.end - box.body < 16) return true;
  return personalUuids.has((await reader.content(box, 16)).toString("hex"));
}

/** Makes the box a `free` one of the same size, full of zeros. */
export function blankBox(patches: Patches, box: Box): void {
  if (box.type !== "free") patches.write(box.offset + 4, Buffer.from("free", "latin1"));
  patches.wipe(box.body, box.end);
}

/** Blanks those children that hold metadata or, where `kept` is given, are not among these types. Returns the others. */
export async function blankChildren(
  reader: BoxReader,
  patches: Patches,
  children: readonly Box[],
  kept?: ReadonlySet<string>,
): Promise<Box[]> {
  const others: Box[] = [];
  for (const child of children)
    if (kept?.has(child.type) === false || (await isPersonal(reader, child))) blankBox(patches, child);
    else others.push(child);
  return others;
}

/** Empties the name in an `hdlr`, where vendors write their own, and QuickTime's field of the manufacturer. */
export function blankHandlerName(patches: Patches, handler: Box): void {
  patches.wipe(Math.min(handler.body + 12, handler.end), handler.end);
}
