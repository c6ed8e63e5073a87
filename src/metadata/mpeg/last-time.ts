import type { ByteSource } from "../byte-source.ts";
import { packHeader, timeRange, unitAt, unitHeadBytes } from "./units.ts";

const packStart = Buffer.from([0, 0, 1, packHeader]);

/** The part at the end of a file that is searched, and in which players search for the duration. */
const searchedBytes = 512 * 1024;

/**
 * Returns the time from `first` to the latest presentation time near the end of a program stream, in the units of
 * packets; 0 if there is none, or if the clock was set back in between.
 * @param pictureTime the duration of a picture, which is added to the start of the last one
 */
export async function timeSince(source: ByteSource, first: number, pictureTime: number): Promise<number> {
  const from = Math.max(0, source.size - searchedBytes);
  const bytes = await source.readUpTo(from, searchedBytes);
  let latest = 0;
  for (let at = bytes.indexOf(packStart); at !== -1 && at < bytes.length;) {
    source.budget.blocks.spend();
    const unit = unitAt(bytes.subarray(at, at + unitHeadBytes), at);
    const elapsed = unit?.time === undefined ? 0 : (unit.time - first + timeRange) % timeRange;
    if (elapsed > 0 && elapsed < timeRange / 2)
      latest = Math.max(latest, elapsed + (unit?.isVideo ? pictureTime : 0));
    // A Video CD has zeros between packs.
    at = unit ? unit.end : bytes.indexOf(packStart, at + 1);
  }
  return latest;
}
