import type { Box, BoxReader } from "./boxes.ts";
import { blankBox, blankTail } from "./blanking.ts";
import type { Patches } from "../plan.ts";

/** A range of a box's content, by offsets from its start. */
export type Field = readonly [from: number, to: number];

/** Which parts of a box are kept. */
export interface Rule {
  /** Rules for child boxes; all other children are blanked. Undefined for a box without children. */
  readonly children?: Rules;
  /**
   * Returns the length of the content, given its first {@link maxHeadBytes}. The box is cut to that length, and the rest is
   * wiped. A length beyond the end of the box keeps all of it. Undefined: all content is kept.
   */
  readonly bytes?: (head: Buffer, boxBytes: number) => number;
  /** Returns reserved fields and fields that no player reads; they are wiped. */
  readonly unused?: (head: Buffer) => readonly Field[];
  /** The box keeps its size, because offsets are relative to its end. */
  readonly isAnchor?: boolean;
  /** Wipes further personal data in the box. */
  readonly clean?: (reader: BoxReader, patches: Patches, box: Box) => Promise<void> | void;
}

/** Rules by box type. */
export type Rules = Readonly<Record<string, Rule>>;

/** Length of the content that rules receive. Codec records, which must be complete, are far smaller. */
export const maxHeadBytes = 64 * 1024;

/** A box that is kept unchanged. */
export const leaf: Rule = {};

/** A box with this many bytes of content, some of which are unused. */
export const fixed = (bytes: number, ...unused: Field[]): Rule => ({
  bytes: () => bytes,
  unused: () => unused,
});

/** The flags of a full box, for types that define none. */
const flags: Field = [1, 4];

/** A full box without defined flags, with this content size (including version and flags) in versions 0 and 1. */
export const full = (version0: number, version1 = version0): Rule => ({
  bytes: (head) => (head[0] === 1 ? version1 : version0),
  unused: () => [flags],
});

/** A full box with a counted table, with this entry size in versions 0 and 1. */
export const table = (version0: number, version1 = version0): Rule => ({
  bytes: (head) => 8 + head.readUInt32BE(4) * (head[0] === 1 ? version1 : version0),
  unused: () => [flags],
});

export const leaves = (types: string): Rules =>
  Object.fromEntries(types.split(" ").map((type) => [type, leaf]));

/** Returns a 32-bit number; 0 if the content is too short. */
export const numberAt = (head: Buffer, at: number): number =>
  at + 4 <= head.length ? head.readUInt32BE(at) : 0;

/** Rules for `uuid` boxes, which apply on every level. */
const knownUuids: Readonly<Record<string, Rule>> = {
  // PIFF, the predecessor of common encryption: protection data of the movie, a track and samples.
  d08a4f1810f34a82b6c832d8aba183d3: { bytes: (head) => 40 + numberAt(head, 36) },
  "8974dbce7be74c5184f97148f9882554": fixed(40),
  a2394f525a9b4f14a2446c427c648df4: leaf,
  // Smooth Streaming: start times of this fragment and of the next ones.
  "6d1d9b0542d544e680e2141daff757b2": { bytes: (head) => (head[16] === 1 ? 36 : 28) },
  d4807ef2ca3946958e5426cb9e46a79f: {
    bytes: (head) => 21 + (head[20] ?? 0) * (head[16] === 1 ? 16 : 8),
  },
  // Spherical Video V1.
  ffcc8263f8554a938814587a02521fdd: { clean: rewriteSphericalVideo },
};

/**
 * Blanks every child box without a rule, applies the rules to the others, and wipes the bytes after the last one.
 * @param from the position of the first child; defaults to the start of the content
 * @param children the children, if they are already read
 * @returns the kept children
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
  let end = Math.min(from, box.end);
  for (const child of children ?? (await reader.within(from, box.end))) {
    end = child.end;
    const rule = await ruleFor(reader, child, rules);
    if (!rule) {
      blankBox(patches, child);
      continue;
    }
    kept.push(child);
    await applyRule(reader, patches, child, rule);
  }
  if (await isTerminator(reader, end, box.end)) end += 8;
  patches.wipe(end, box.end);
  return kept;
}

/**
 * Wipes every part of the box that the rule does not keep.
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

/** Whether `offset` has the empty box without a type that ends some QuickTime lists. */
export async function isTerminator(reader: BoxReader, offset: number, end: number): Promise<boolean> {
  return offset + 8 <= end && (await reader.source.read(offset, 8)).readBigUInt64BE() === 8n << 32n;
}

/** Returns the rule for a box; undefined for a box that is blanked. */
export async function ruleFor(reader: BoxReader, box: Box, rules: Rules): Promise<Rule | undefined> {
  if (box.type !== "uuid") return Object.hasOwn(rules, box.type) ? rules[box.type] : undefined;
  if (box.end - box.body < 16) return undefined;
  return knownUuids[(await reader.content(box, 16)).toString("hex")];
}

/** The tags of Spherical Video V1 that players read. Others name software, times and places. */
const sphericalTags =
  /<GSpherical:(Spherical|Stitched|ProjectionType|StereoMode|SourceCount|(?:InitialView|CroppedArea|FullPano)\w{1,24})>\s*([\w.-]{1,24})\s*<\/GSpherical:\1>/g;

/** Replaces the XML of a 360° video with XML of only the known tags (Google's Spherical Video V1 RFC). */
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
