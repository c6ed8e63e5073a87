/** Elements of EBML and Matroska (RFC 8794, RFC 9559), with their length markers. */
export const ids = {
  ebml: 0x1a45dfa3,
  void: 0xec,
  checksum: 0xbf,
  segment: 0x18538067,
  seekHead: 0x114d9b74,
  seek: 0x4dbb,
  seekId: 0x53ab,
  info: 0x1549a966,
  muxingApp: 0x4d80,
  writingApp: 0x5741,
  tracks: 0x1654ae6b,
  trackEntry: 0xae,
  trackNumber: 0xd7,
  trackType: 0x83,
  codecId: 0x86,
  codecPrivate: 0x63a2,
  contentEncodings: 0x6d80,
  video: 0xe0,
  audio: 0xe1,
  cluster: 0x1f43b675,
  simpleBlock: 0xa3,
  blockGroup: 0xa0,
  block: 0xa1,
  cues: 0x1c53bb6b,
} as const;

/** What may stay inside each element. All else becomes `Void`. */
export const allowed = {
  /** EBMLVersion, EBMLReadVersion, EBMLMaxIDLength, EBMLMaxSizeLength, DocType, its versions and extensions. */
  ebml: new Set([0x4286, 0x42f7, 0x42f2, 0x42f3, 0x4282, 0x4287, 0x4285, 0x4281]),
  /** TimestampScale, Duration, and the names of programs, which must be there and become empty. */
  info: new Set<number>([0x2ad7b1, 0x4489, ids.muxingApp, ids.writingApp]),
  seekHead: new Set<number>([ids.seek]),
  tracks: new Set<number>([ids.trackEntry]),
  track: new Set<number>([
    ...[
      ids.trackNumber,
      ids.trackType,
      ids.codecId,
      ids.codecPrivate,
      ids.contentEncodings,
      ids.video,
      ids.audio,
    ],
    // TrackUID, flags (enabled, default, forced, lacing, for whom), caches.
    ...[0x73c5, 0xb9, 0x88, 0x55aa, 0x9c, 0x55ab, 0x55ac, 0x55ad, 0x55ae, 0x55af, 0x6de7, 0x6df8],
    // Durations, TrackTimestampScale, MaxBlockAdditionID, BlockAdditionMapping, languages, CodecDelay, SeekPreRoll,
    // TrackOperation.
    ...[0x23e383, 0x234e7a, 0x23314f, 0x55ee, 0x41e4, 0x22b59c, 0x22b59d, 0x56aa, 0x56bb, 0xe2],
  ]),
  /** Sizes, interlacing, stereo, alpha, colours, projection. */
  video: new Set([
    ...[0xb0, 0xba, 0x54aa, 0x54bb, 0x54cc, 0x54dd, 0x54b0, 0x54ba, 0x54b2, 0x54b3],
    ...[0x9a, 0x9d, 0x53b8, 0x53b9, 0x53c0, 0x55b0, 0x7670, 0x2eb524, 0x2fb523, 0x2383e3],
  ]),
  /** Frequencies, channels, depth, emphasis. */
  audio: new Set([0xb5, 0x78b5, 0x9f, 0x7d7b, 0x6264, 0x52f1]),
  /** In a segment. */
  segment: new Set<number>([ids.seekHead, ids.info, ids.tracks, ids.cluster, ids.cues]),
  /** In a cluster: its time, position, the size of the one before, silent tracks, blocks. */
  cluster: new Set<number>([0xe7, 0xa7, 0xab, 0x5854, ids.simpleBlock, ids.blockGroup]),
  /** Block, additions (alpha), duration, references, codec state, padding, slices. */
  blockGroup: new Set<number>([ids.block, 0x75a1, 0x9b, 0xfa, 0xfb, 0xfd, 0xa4, 0x75a2, 0x8e]),
} as const;

/** A `Void` element of this many bytes without its content (RFC 8794 section 11.3.2). */
export function voidHeader(length: number): Buffer {
  if (length < 129) return Buffer.from([ids.void, 0x80 | (length - 2)]);
  const header = Buffer.from([ids.void, 0x01, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUIntBE(length - 9, 3, 6);
  return header;
}

/** The size of an element in as many bytes as it had before; undefined where it does not fit. */
export function sizeField(size: number, bytes: number): Buffer | undefined {
  if (size >= 2 ** (7 * bytes) - 1) return undefined;
  const field = Buffer.alloc(8);
  field.writeBigUInt64BE(BigInt(size) + (1n << BigInt(7 * bytes)));
  return field.subarray(8 - bytes);
}
