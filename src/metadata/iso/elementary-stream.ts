import type { Box, BoxReader } from "./boxes.ts";
import { overwriteInHeader, RecordReader } from "./codec-records.ts";
import { maxHeadBytes, type Field, type Rule } from "./rules.ts";
import type { Patches } from "../plan.ts";

/** Limit on descriptors that are wiped one by one; everything after them is wiped as a whole. */
const maxUnusedDescriptors = 16;

/** `objectTypeIndication` that muxers use for Vorbis. */
const vorbisObjectType = 0xdd;

/** The kept parts of an `esds` (ISO/IEC 14496-1 section 7.2.6.5). */
interface ElementaryStream {
  readonly bytes: number;
  readonly unused: readonly Field[];
  /** `objectTypeIndication`, which names the codec; undefined if there is no decoder configuration. */
  readonly objectType?: number | undefined;
  /** The range of the codec's own configuration. */
  readonly specific?: Field | undefined;
}

function elementaryStream(head: Buffer): ElementaryStream {
  const unused: Field[] = [[1, 4]];
  let objectType: number | undefined;
  let specific: Field | undefined;
  const reader = new RecordReader(head).skip(4);
  const descriptor = () => {
    const tag = reader.byte();
    let length = 0;
    for (let left = 4; left > 0; left--) {
      const byte = reader.byte();
      length = length * 128 + (byte & 0x7f);
      if (byte < 0x80) break;
    }
    return { tag, end: reader.position + length };
  };
  const stream = descriptor();
  if (stream.tag !== 3) return { bytes: head.length, unused };
  const flags = reader.skip(2).byte();
  if (flags & 0x80) reader.skip(2);
  if (flags & 0x40) {
    const from = reader.position + 1;
    reader.skip(reader.byte());
    unused.push([from, reader.position]);
  }
  if (flags & 0x20) reader.skip(2);
  /** Wipes the content of all descriptors up to `end`, except those with these tags. */
  const keepTags = (end: number, tags: Readonly<Record<number, (end: number) => void>>) => {
    while (reader.position < Math.min(end, head.length) && unused.length < maxUnusedDescriptors) {
      const child = descriptor();
      if (tags[child.tag]) tags[child.tag]?.(child.end);
      else unused.push([reader.position, child.end]);
      reader.position = Math.max(reader.position, child.end);
    }
  };
  const keep = () => {};
  keepTags(stream.end, {
    4: (end) => {
      objectType = reader.peek();
      reader.skip(13);
      keepTags(end, {
        5: (end) => {
          specific = [reader.position, end];
        },
      });
    },
    // Some muxers put it after the descriptor that should contain it.
    5: keep,
    6: keep,
  });
  const isRead = unused.length < maxUnusedDescriptors;
  return {
    bytes: isRead ? Math.max(stream.end, reader.position) : reader.position,
    unused,
    objectType,
    specific,
  };
}

/** The codec of an `esds`, and its own configuration, which is empty if it needs none. */
export interface Decoder {
  readonly objectType: number;
  readonly specific: Buffer;
}

/** Reads the codec of an `esds`. @param head its content @returns undefined if it has no decoder configuration */
export function readDecoder(head: Buffer): Decoder | undefined {
  const { objectType, specific: [from, to] = [0, 0] } = elementaryStream(head);
  return objectType === undefined ? undefined : { objectType, specific: head.subarray(from, to) };
}

/** Overwrites the comments in the Vorbis headers, if there are any. */
async function overwriteVorbisComments(reader: BoxReader, patches: Patches, box: Box): Promise<void> {
  const head = await reader.content(box, Math.min(maxHeadBytes, box.end - box.body));
  const { objectType, specific } = elementaryStream(head);
  if (objectType !== vorbisObjectType || !specific) return;
  const [from, to] = specific;
  const end = Math.min(box.body + to, box.end);
  await overwriteInHeader(reader, patches, "A_VORBIS", Math.min(box.body + from, end), end);
}

export const elementaryStreamRule: Rule = {
  bytes: (head) => elementaryStream(head).bytes,
  unused: (head) => elementaryStream(head).unused,
  clean: overwriteVorbisComments,
};
