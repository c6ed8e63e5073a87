import type { MediaType } from "../../media-types.ts";
import type { ByteSource } from "../byte-source.ts";
import { damaged } from "../damaged.ts";
import { Patches, recordableDuration, type Blanking } from "../plan.ts";
import { elementAt, elementHeadBytes } from "./ebml.ts";
import { ids, isBlock } from "./ids.ts";
import { lastBlockEnd } from "./last-block.ts";
import { readSegmentInfo, type SegmentInfo } from "./segment-info.ts";
import { readTracks, type MatroskaTrack } from "./tracks.ts";
import { MatroskaWalk } from "./walk.ts";

/**
 * Plans the blanking of a WebM or Matroska file (RFC 9559): metadata elements and the blocks of every track other than
 * picture and sound become `Void` elements of the same size, so that seek tables stay valid. Unneeded elements at the
 * end are cut off, and so is an incomplete element of an interrupted recording.
 * @throws ApiError DAMAGED_MEDIA
 */
export async function planMatroska(source: ByteSource, type: MediaType): Promise<Blanking> {
  const { tracks, info } = await readDescription(source);
  const keptTracks = tracks.filter(({ isKept }) => isKept);
  const durationSeconds =
    recordableDuration(info.durationSeconds) ??
    recordableDuration(await lastBlockEnd(source, keptTracks, info.secondsPerUnit));
  const videos = tracks.filter(({ isVideo }) => isVideo);
  return {
    patches: new Patches(source),
    passes: [(file) => new MatroskaWalk(file, tracks).run()],
    orientation: 1,
    size: videos.find(({ size }) => size)?.size ?? null,
    decodedPixels: Math.max(0, ...videos.map(({ codedPixels }) => codedPixels)),
    hasPicture: videos.length > 0,
    video: {
      durationSeconds,
      isPlayable: type === "video/webm" && keptTracks.every(({ isPlayable }) => isPlayable),
    },
  };
}

/** The part of a segment that precedes its blocks. */
interface Description {
  /** Empty if there is no description of tracks. */
  readonly tracks: MatroskaTrack[];
  readonly info: SegmentInfo;
}

/** Reads the descriptions of the first segment. @throws ApiError DAMAGED_MEDIA */
async function readDescription(source: ByteSource): Promise<Description> {
  let hasSegment = false;
  let tracks: MatroskaTrack[] | undefined;
  let info: SegmentInfo | undefined;
  for (let offset = 0; offset < source.size;) {
    const element = elementAt(await source.readUpTo(offset, elementHeadBytes), offset);
    if (offset === 0 && element?.id !== ids.ebml) throw damaged("no EBML header");
    if (!element) break;
    (isBlock(element.id) ? source.budget.blocks : source.budget.elements).spend();
    hasSegment ||= element.id === ids.segment;
    if (element.id === ids.info && element.end !== undefined)
      info ??= await readSegmentInfo(source, element.body, element.end);
    else if (element.id === ids.tracks && element.end !== undefined && !tracks) {
      const { body } = element;
      const content = Buffer.from(await source.read(body, element.end - body));
      const { budget } = source;
      const readUpTo = (from: number, length: number) => content.subarray(from, from + length);
      tracks = readTracks({ budget, readUpTo }, 0, content.length);
    }
    if (tracks && (info || element.id === ids.cluster)) break;
    offset = element.id === ids.segment || element.end === undefined ? element.body : element.end;
  }
  if (!hasSegment) throw damaged("no segment");
  return { tracks: tracks ?? [], info: info ?? { durationSeconds: 0, secondsPerUnit: 1e-3 } };
}
