/** IDs of EBML and Matroska elements (RFC 8794, RFC 9559), including their length markers. */
export const ids = {
  ebml: 0x1a45dfa3,
  void: 0xec,
  segment: 0x18538067,
  seekHead: 0x114d9b74,
  seek: 0x4dbb,
  seekId: 0x53ab,
  info: 0x1549a966,
  timestampScale: 0x2ad7b1,
  duration: 0x4489,
  tracks: 0x1654ae6b,
  trackEntry: 0xae,
  trackNumber: 0xd7,
  trackType: 0x83,
  codecId: 0x86,
  codecPrivate: 0x63a2,
  defaultDuration: 0x23e383,
  contentEncodings: 0x6d80,
  compressionAlgorithm: 0x4254,
  compressionSettings: 0x4255,
  video: 0xe0,
  alphaMode: 0x53c0,
  projectionType: 0x7671,
  projectionPrivate: 0x7672,
  cluster: 0x1f43b675,
  timestamp: 0xe7,
  simpleBlock: 0xa3,
  blockGroup: 0xa0,
  block: 0xa1,
  blockDuration: 0x9b,
  blockMore: 0xa6,
  blockAddId: 0xee,
  blockAdditional: 0xa5,
  cues: 0x1c53bb6b,
} as const;

export const isBlock = (id: number): boolean => id === ids.simpleBlock || id === ids.blockGroup;

/** The bytes of the ID of a cluster. */
export const clusterId: Buffer = Buffer.from([0x1f, 0x43, 0xb6, 0x75]);

/** What to keep of an element. */
export type ElementRule =
  /** A number, if its length is valid for its type. */
  | "integer"
  | "float"
  /** The matching start of a text. */
  | RegExp
  /** The first bytes of the content. */
  | { readonly bytes: number }
  /** The element without its content. */
  | "empty"
  /** The child elements that have rules. */
  | Rules;

export interface Rules {
  readonly children: Readonly<Record<number, ElementRule>>;
}

function master(children: Readonly<Record<number, ElementRule>>): Rules {
  return { children };
}

function each<Rule extends ElementRule>(rule: Rule, ...elements: number[]): Record<number, Rule> {
  return Object.fromEntries(elements.map((id) => [id, rule]));
}

const all = { bytes: Infinity } as const;

const colour = master({
  // Matrix, bits, subsampling, siting, range, transfer, primaries, light levels.
  ...each("integer", 0x55b1, 0x55b2, 0x55b3, 0x55b4, 0x55b5, 0x55b6, 0x55b7, 0x55b8, 0x55b9),
  ...each("integer", 0x55ba, 0x55bb, 0x55bc, 0x55bd),
  // MasteringMetadata: primaries, white point, luminance.
  0x55d0: master(
    each("float", 0x55d1, 0x55d2, 0x55d3, 0x55d4, 0x55d5, 0x55d6, 0x55d7, 0x55d8, 0x55d9, 0x55da),
  ),
});

/** Type, private data, yaw, pitch, roll. */
const projection = master({
  [ids.projectionType]: "integer",
  [ids.projectionPrivate]: all,
  ...each("float", 0x7673, 0x7674, 0x7675),
});

const video = master({
  // Sizes, cropping, interlacing, stereo, alpha.
  ...each("integer", 0xb0, 0xba, 0x54aa, 0x54bb, 0x54cc, 0x54dd, 0x54b0, 0x54ba, 0x54b2, 0x54b3),
  ...each("integer", 0x9a, 0x9d, 0x53b8, 0x53b9, ids.alphaMode),
  // The FourCC of uncompressed pictures, gamma, frame rate.
  0x2eb524: { bytes: 4 },
  ...each("float", 0x2fb523, 0x2383e3),
  0x55b0: colour,
  0x7670: projection,
});

/** Frequencies, channels, depth, emphasis. */
const audio = master({ ...each("float", 0xb5, 0x78b5), ...each("integer", 0x9f, 0x6264, 0x52f1) });

const contentEncodings = master({
  // Order, scope, type.
  0x6240: master({
    ...each("integer", 0x5031, 0x5032, 0x5033),
    // Compression: the algorithm, and the bytes that are stripped from the start of each frame.
    0x5034: master({ [ids.compressionAlgorithm]: "integer", [ids.compressionSettings]: all }),
    // Encryption: the algorithm, the key ID, the mode.
    0x5035: master({ 0x47e1: "integer", 0x47e2: { bytes: 16 }, 0x47e7: master({ 0x47e8: "integer" }) }),
  }),
});

const language = /^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,4}(?=\0|$)/;

/** Rules for a track of pictures or sound. */
export const trackRules = master({
  // TrackNumber, TrackUID, type, flags (enabled, default, forced, lacing, accessibility), caches.
  ...each("integer", ids.trackNumber, 0x73c5, ids.trackType, 0xb9, 0x88, 0x55aa, 0x9c),
  ...each("integer", 0x55ab, 0x55ac, 0x55ad, 0x55ae, 0x55af, 0x6de7, 0x6df8),
  // Durations, MaxBlockAdditionID, CodecDelay, SeekPreRoll; TrackTimestampScale.
  ...each("integer", ids.defaultDuration, 0x234e7a, 0x55ee, 0x56aa, 0x56bb),
  0x23314f: "float",
  [ids.codecId]: /^[A-Z0-9_/.]{1,40}/,
  ...each(language, 0x22b59c, 0x22b59d),
  [ids.codecPrivate]: all,
  [ids.contentEncodings]: contentEncodings,
  [ids.video]: video,
  0xe1: audio,
  // BlockAdditionMapping: value, type, configuration (Dolby Vision).
  0x41e4: master({ ...each("integer", 0x41f0, 0x41e7), 0x41ed: all }),
  // TrackOperation: planes of stereo, joined tracks.
  0xe2: master({
    0xe3: master({ 0xe4: master(each("integer", 0xe5, 0xe6)) }),
    0xe9: master({ 0xed: "integer" }),
  }),
});

/** Rules for a BlockGroup. */
export const blockGroupRules = master({
  [ids.block]: all,
  // BlockAdditions: alpha, HDR.
  0x75a1: master({
    [ids.blockMore]: master({ [ids.blockAddId]: "integer", [ids.blockAdditional]: all }),
  }),
  // Duration, priority, references, padding.
  ...each("integer", ids.blockDuration, 0xfa, 0xfb, 0x75a2),
});

/** Rules for elements at the top level, in a segment and in a cluster, except tracks and block groups. */
export const topRules: Rules["children"] = {
  // Version, read version, maximum lengths, document type and its versions.
  [ids.ebml]: master({
    ...each("integer", 0x4286, 0x42f7, 0x42f2, 0x42f3, 0x4287, 0x4285),
    0x4282: /^(webm|matroska)/,
  }),
  [ids.seekHead]: master({ [ids.seek]: master({ [ids.seekId]: { bytes: 4 }, 0x53ac: "integer" }) }),
  // TimestampScale, duration; the names of the programs are mandatory, so they become empty.
  [ids.info]: master({
    [ids.timestampScale]: "integer",
    [ids.duration]: "float",
    ...each("empty", 0x4d80, 0x5741),
  }),
  // CuePoint: time; track, position of the cluster, position in it, duration, block number.
  [ids.cues]: master({
    0xbb: master({
      0xb3: "integer",
      0xb7: master(each("integer", 0xf7, 0xf1, 0xf0, 0xb2, 0x5378)),
    }),
  }),
  // In a cluster: time, position, size of the previous cluster.
  ...each("integer", ids.timestamp, 0xa7, 0xab),
};

/** Elements of a segment that are kept, so that seek entries may point to them. */
export const segmentIds: ReadonlySet<number> = new Set([
  ids.seekHead,
  ids.info,
  ids.tracks,
  ids.cluster,
  ids.cues,
]);

/** Returns the header of a `Void` element (RFC 8794 section 11.3.2). @param length bytes of the whole element */
export function voidHeader(length: number): Buffer {
  if (length < 129) return Buffer.from([ids.void, 0x80 | (length - 2)]);
  const header = Buffer.from([ids.void, 0x01, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUIntBE(length - 9, 3, 6);
  return header;
}

/** Encodes the size of an element in `bytes` bytes; undefined if it does not fit. */
export function sizeField(size: number, bytes: number): Buffer | undefined {
  if (size >= 2 ** (7 * bytes) - 1) return undefined;
  const field = Buffer.alloc(8);
  field.writeBigUInt64BE(BigInt(size) + (1n << BigInt(7 * bytes)));
  return field.subarray(8 - bytes);
}
