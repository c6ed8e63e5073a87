import type { Box, BoxReader } from "../iso/boxes.ts";
import { blankBox } from "../iso/blanking.ts";
import type { Patches } from "../plan.ts";

/** Groups of pictures with nothing beside the numbers of their members (ISO/IEC 23008-12 section 6.8). */
const plainGroups = new Set("altr brst tsyn iaug eqiv slid favc albc".split(" "));
/** A group whose further bytes describe cameras: left and right picture. */
const stereoPair = "ster";
/** Of version, flags, the group's number, and the number of members. */
const headBytes = 12;

/** Keeps known groups of pictures with their members (`grpl`), and blanks others. */
export async function cleanGroups(reader: BoxReader, patches: Patches, grpl: Box): Promise<void> {
  for (const group of await reader.children(grpl)) {
    if (!plainGroups.has(group.type) && group.type !== stereoPair) {
      blankBox(patches, group);
      continue;
    }
    const members = (await reader.content(group, headBytes)).readUInt32BE(8);
    const end = Math.min(group.end, group.body + headBytes + 4 * members);
    patches.wipe(end, group.end);
  }
}
