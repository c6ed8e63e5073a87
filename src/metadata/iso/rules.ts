import type { Box, BoxReader } from "./boxes.ts";
import { blankBox, blankTail } from "./blanking.ts";
import type { Patches } from "../plan.ts";

/** A part of a box's content. */
export type Field = readonly [from: number, to: number];

/** What stays of a box. */
export interface Rule {
  /** The boxes inside that stay; all others are blanked. Undefined: it is no container. */
  readonly children?: Rules;
  /**
   * Bytes of its content, as its first {@link maxHeadBytes} tell; what follows is wiped, and no longer part of the box.
   * Undefined: the whole box is content. A result beyond the end of the box wipes nothing.
   */
  readonly bytes?: (head: Buffer, boxBytes: number) => number;
  /** Reserved fields, and others that no player reads. They are wiped. */
  readonly unused?: (head: Buffer) => readonly Field[];
  /** Offsets count from its end: it keeps its size. */
  readonly isAnchor?: boolean;
  /** Wipes what else is personal in it. */
  readonly clean?: (reader: BoxReader, patches: Patches, box: Box) => Promise<void> | void;
}

/** Rules by type of box. */
export type Rules = Readonly<Record<string, Rule>>;

/** What rules see of a box; records of codecs, which have to be read whole, are far smaller. */
export const maxHeadBytes = 64 * 1024;

/** A box whose content stays as it is. */
export const leaf: Rule = {};

/** A box of so many bytes, some of which are unused. */
export const fixed = (bytes: number, ...unused: Field[]): Rule => ({
  bytes: () => bytes,
  unused: () => unused,
});

/** Flags of a full box that has none. */
const noFlags: Field = [1, 4];

/** A full box (with version and flags, which are unused) of so many bytes in its two versions. */
export const full = (version0: number, version1 = version0): Rule => ({
  bytes: (head) => (head[0] === 1 ? version1 : version0),
  unused: () => [noFlags],
});

/** A table of entries of so many bytes in its two versions, counted in front of them. */
export const table = (version0: number, version1 = version0): Rule => ({
  bytes: (head) => 8 + head.readUInt32BE(4) * (head[0] === 1 ? version1 : version0),
  unused: () => [noFlags],
});

export const leaves = (types: string): Rules =>
  Object.fromEntries(types.split(" ").map((type) => [type, leaf]));

/** A number of four bytes; 0 where the content is too short. */
export const numberAt = (head: Buffer, at: number): number =>
  at + 4 <= head.length ? head.readUInt32BE(at) : 0;

/** `uuid` boxes that stay, wherever they stand; they need no care unless told. */
const knownUuids: Readonly<Record<string, Rule>> = {
  // PIFF, the predecessor of common encryption: protection of the movie, of a track, of samples.
  d08a4f1810f34a82b6c832d8aba183d3: { bytes: (head) => 40 + numberAt(head, 36) },
  "8974dbce7be74c5184f97148f9882554": fixed(40),
  a2394f525a9b4f14a2446c427c648df4: leaf,
  // Smooth Streaming: when a fragment starts, when the next ones do.
  "6d1d9b0542d544e680e2141daff757b2": { bytes: (head) => (head[16] === 1 ? 36 : 28) },
  d4807ef2ca3946958e5426cb9e46a79f: {
    bytes: (head) => 21 + (head[20] ?? 0) * (head[16] === 1 ? 16 : 8),
  },
  // Spherical Video V1.
  ffcc8263f8554a938814587a02521fdd: { clean: rewriteSphericalVideo },
};

/**
 * Blanks every box inside that no rule allows, what allowed ones hold beside their content, and what follows the last
 * one. Returns the boxes that stay, as direct children.
 * @param from where the children start; at the start of the box's content unless given
 * @param children where they were read already
 * @throws ApiError DAMAGED_MEDIA
 */
export async function keepOnly(
  reader: BoxReader,
  patches: Patches,
  box: Box,
  rules: Rules,
  from = box.body,
  children?: readonly Box[],
): Promise<Box[]> {
  const kept: Box[] = [];
  let last = Math.min(from, box.end);
  for (const child of children ?? (await reader.within(from, box.end))) {
    last = child.end;
    const rule = await ruleFor(reader, child, rules);
    if (!rule) {
      blankBox(patches, child);
      continue;
    }
    kept.push(child);
    await applyRule(reader, patches, child, rule);
  }
  if (await isTerminator(reader, last, box.end)) last += 8;
  patches.wipe(last, box.end);
  return kept;
}

/**
 * Wipes whatever the rule does not keep of a box.
 * @throws ApiError DAMAGED_MEDIA
 */
export async function applyRule(reader: BoxReader, patches: Patches, box: Box, rule: Rule): Promise<void> {
  const boxBytes = box.end - box.body;
  if (rule.bytes ?? rule.unused) {
    const head = await reader.content(box, Math.min(maxHeadBytes, boxBytes));
    const bytes = Math.min(rule.bytes?.(head, boxBytes) ?? boxBytes, boxBytes);
    for (const [from, to] of rule.unused?.(head) ?? [])
      if (from < bytes) patches.wipe(box.body + from, box.body + Math.min(to, bytes));
    if (rule.isAnchor) patches.wipe(box.body + bytes, box.end);
    else blankTail(patches, box, box.body + bytes);
  }
  if (rule.children) await keepOnly(reader, patches, box, rule.children);
  await rule.clean?.(reader, patches, box);
}

/** Whether there is the empty box without a type that ends some lists of QuickTime. */
export async function isTerminator(reader: BoxReader, offset: number, end: number): Promise<boolean> {
  return offset + 8 <= end && (await reader.source.read(offset, 8)).readBigUInt64BE() === 8n << 32n;
}

/** What is known about a box among those that the rules allow; undefined for one that is blanked. */
export async function ruleFor(reader: BoxReader, box: Box, rules: Rules): Promise<Rule | undefined> {
  if (box.type !== "uuid") return Object.hasOwn(rules, box.type) ? rules[box.type] : undefined;
  if (box.end - box.body < 16) return undefined;
  return knownUuids[(await reader.content(box, 16)).toString("hex")];
}

/** What players read of Spherical Video V1; the rest tells software, times and places. */
const sphericalTags =
  /<GSpherical:(Spherical|Stitched|ProjectionType|StereoMode|SourceCount|(?:InitialView|CroppedArea|FullPano)\w{1,24})>\s*([\w.-]{1,24})\s*<\/GSpherical:\1>/g;

/** Replaces the XML of a 360° video by one with the known tags alone (Google's Spherical Video V1 RFC). */
async function rewriteSphericalVideo(reader: BoxReader, patches: Patches, box: Box): Promise<void> {
  const start = box.body + 16;
  const xml = (await reader.content(box)).toString("latin1", 16);
  const tags = [...xml.matchAll(sphericalTags)].map(
    ([, name = "", value = ""]) => `<GSpherical:${name}>${value}</GSpherical:${name}>`,
  );
  const rewritten = [
    '<?xml version="1.0"?><rdf:SphericalVideo xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"',
    ' xmlns:GSpherical="http://ns.google.com/videos/1.0/spherical/">',
    ...tags,
    "</rdf:SphericalVideo>",
  ].join("");
  if (tags.length === 0 || rewritten.length > box.end - start) blankBox(patches, box);
  else patches.write(start, Buffer.from(rewritten.padEnd(box.end - start), "latin1"));
}
