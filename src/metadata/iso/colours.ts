import type { Box, BoxReader } from "./boxes.ts";
import { cleanProfileInPlace } from "../icc.ts";
import { blankBox } from "./blanking.ts";
import type { Patches } from "../plan.ts";

/**
 * Cleans colour information (`colr`, ISO/IEC 14496-12 section 12.1.5): numeric colours stay, an ICC profile is rebuilt in
 * place, and unknown types are blanked.
 */
export async function cleanColours(reader: BoxReader, patches: Patches, colr: Box): Promise<void> {
  const type = (await reader.content(colr, 4)).toString("latin1");
  const numberBytes = { nclx: 7, nclc: 6 }[type];
  if (numberBytes !== undefined) {
    patches.wipe(Math.min(colr.body + 4 + numberBytes, colr.end), colr.end);
    return;
  }
  const start = colr.body + 4;
  const profile = await reader.source.read(start, colr.end - start);
  const clean = type === "prof" || type === "rICC" ? cleanProfileInPlace(profile) : undefined;
  if (clean) patches.write(start, clean);
  else blankBox(patches, colr);
}
