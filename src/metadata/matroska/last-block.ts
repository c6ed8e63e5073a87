import type { ByteSource } from "../byte-source.ts";
import { elementAt, elementHeadBytes, unsignedValue, variableNumber, type Element } from "./ebml.ts";
import { clusterId, ids } from "./ids.ts";
import type { MatroskaTrack } from "./tracks.ts";

/** How much of the end of a file is searched, and in which steps: browsers record clusters of a few seconds. */
const maxSearchedBytes = 16 * 1024 * 1024;
const stepBytes = 256 * 1024;
/** Limit on clusters without a block; a real file ends with one at most. */
const maxClusters = 16;

/**
 * Determines when the last block ends, for a live recording, which declares no duration. Reads the last clusters of the
 * file only.
 * @param tracks the tracks whose blocks count
 * @returns seconds from the start of the timeline; 0 if there is no block near the end
 */
export async function lastBlockEnd(
  source: ByteSource,
  tracks: readonly MatroskaTrack[],
  secondsPerUnit: number,
): Promise<number> {
  const first = Math.max(0, source.size - maxSearchedBytes);
  let clusters = 0;
  for (let end = source.size; end > first; end -= stepBytes) {
    const from = Math.max(first, end - stepBytes);
    // The last bytes may be the start of an ID that ends in the window after this one.
    const bytes = Buffer.from(await source.readUpTo(from, end - from + clusterId.length - 1));
    for (
      let at = bytes.lastIndexOf(clusterId);
      at !== -1;
      at = at > 0 ? bytes.lastIndexOf(clusterId, at - 1) : -1
    ) {
      if (++clusters > maxClusters) return 0;
      const cluster = elementAt(bytes.subarray(at), from + at) ?? (await elementIn(source, from + at));
      const blockEnd = cluster ? await clusterEnd(source, cluster, tracks, secondsPerUnit) : 0;
      if (blockEnd > 0) return blockEnd;
    }
  }
  return 0;
}

async function elementIn(source: ByteSource, offset: number): Promise<Element | undefined> {
  return elementAt(await source.readUpTo(offset, elementHeadBytes), offset);
}

/** Returns the latest end of a block in a cluster, in seconds; 0 if it has no blocks. */
async function clusterEnd(
  source: ByteSource,
  cluster: Element,
  tracks: readonly MatroskaTrack[],
  secondsPerUnit: number,
): Promise<number> {
  const limit = Math.min(cluster.end ?? Infinity, source.size);
  let start: number | undefined;
  let latest = 0;
  for (let offset = cluster.body; offset < limit;) {
    source.budget.blocks.spend();
    const element = await elementIn(source, offset);
    if (element?.end === undefined || element.end > limit) break;
    const { id, body, end } = element;
    if (id === ids.timestamp) start = unsignedValue(await source.read(body, Math.min(8, end - body)));
    else if (start !== undefined && (id === ids.simpleBlock || id === ids.blockGroup)) {
      const block =
        id === ids.simpleBlock ? { body, end, duration: undefined } : await readGroup(source, body, end);
      const time = block && (await blockTime(source, block.body, block.end, tracks));
      if (block && time) {
        const seconds =
          block.duration === undefined ? time.track.blockSeconds : block.duration * secondsPerUnit;
        latest = Math.max(latest, (start + time.units) * secondsPerUnit + seconds);
      }
    }
    offset = end;
  }
  return latest;
}

/** Finds the block in a group, and its duration. */
async function readGroup(
  source: ByteSource,
  from: number,
  to: number,
): Promise<
  { readonly body: number; readonly end: number; readonly duration: number | undefined } | undefined
> {
  let block: { body: number; end: number } | undefined;
  let duration: number | undefined;
  for (let offset = from; offset < to;) {
    source.budget.blocks.spend();
    const element = await elementIn(source, offset);
    if (element?.end === undefined || element.end > to) break;
    const { id, body, end } = element;
    if (id === ids.block) block = { body, end };
    if (id === ids.blockDuration) duration = unsignedValue(await source.read(body, Math.min(8, end - body)));
    offset = end;
  }
  return block && { ...block, duration };
}

/** Returns the track of a block, and its time relative to its cluster; undefined for a track that does not count. */
async function blockTime(
  source: ByteSource,
  body: number,
  end: number,
  tracks: readonly MatroskaTrack[],
): Promise<{ readonly track: MatroskaTrack; readonly units: number } | undefined> {
  const head = await source.read(body, Math.min(elementHeadBytes, end - body));
  const number = variableNumber(head);
  const track = number && tracks.find((known) => known.number === number.value);
  if (!number || !track || head.length < number.bytes + 2) return undefined;
  return { track, units: head.readInt16BE(number.bytes) };
}
