/** How the pictures of a track are coded: H.264 (ISO/IEC 14496-10) or HEVC (ISO/IEC 23008-2). */
export interface NalCoding {
  readonly isHevc: boolean;
  /** Bytes of the length in front of each NAL unit; 0 where start codes separate them instead. */
  readonly lengthBytes: number;
}

/** Whether NAL units of this type hold supplemental enhancement information (SEI). */
export function isSeiType(type: number, isHevc: boolean): boolean {
  return isHevc ? type === 39 || type === 40 : type === 6;
}

/**
 * Types of messages that say how to decode or show pictures, with the bytes that they have at most (ISO/IEC 14496-10
 * annex D, ISO/IEC 23002-7). Nothing needs the other types and what follows these bytes.
 */
const knownMessages: Readonly<Record<number, number>> = {
  // Buffering, timing, panning, recovery points, repetitions of reference marking.
  ...{ 0: 256, 1: 256, 2: 64, 6: 8, 7: 64 },
  // Film grain, stereo, frame packing, orientation.
  ...{ 19: 1024, 21: 4, 45: 64, 47: 8 },
  // Parameter sets in use, decoding units, layers, checksums, time codes.
  ...{ 129: 64, 130: 64, 131: 4, 132: 64, 136: 64 },
  // Mastering display, light levels, transfer characteristics, ambient light, volume of colours.
  ...{ 137: 24, 144: 4, 147: 1, 148: 8, 149: 64 },
  // Spherical projections, alpha, displays in three dimensions.
  ...{ 150: 4, 151: 4, 154: 16, 155: 1024, 156: 256, 165: 16, 176: 256 },
};

const registeredUserData = 4;
const unregisteredUserData = 5;
/**
 * What registered user data is for (ITU-T T.35: country, provider), where it is kept: captions and the active picture
 * (ATSC, DirecTV), Dolby Vision, HDR10+, HDR Vivid.
 */
const knownProviders = new Set(["b50031", "b5002f", "b5003b", "b5003c", "260004"]);
/** Decoders look at x264's version, because some versions had defects; its settings go. */
const x264 = { uuid: "dc45e9bde6d948b7962cd820d923eeef", version: /^x264 - core \d{1,4}/ };
/** Enough of a message to tell what it is. */
const headBytes = 40;

/** A space: it needs no emulation prevention, and ends a text. */
const filler = 0x20;

/**
 * Overwrites what no decoder needs inside a NAL unit of SEI messages: camcorders write the place, the time and the model
 * there (MDPM in AVCHD), encoders their settings. Messages keep their places and sizes.
 * @param padded is changed; zeros may follow the unit
 * @returns whether it was changed
 */
export function overwriteInUnit(padded: Buffer, isHevc: boolean): boolean {
  const unit = padded.subarray(0, padded.findLastIndex((byte) => byte !== 0) + 1);
  let isChanged = false;
  let position = isHevc ? 2 : 1;
  /** The next byte of the message. Emulation prevention bytes are none (ISO/IEC 14496-10 section 7.4.1). */
  const next = () => {
    if (isPrevention(unit, position)) position++;
    return unit[position++] ?? 0;
  };
  const number = () => {
    let sum = 0;
    let byte: number;
    do sum += byte = next();
    while (byte === 0xff);
    return sum;
  };
  // The last byte is the stop bit.
  while (position + 2 < unit.length) {
    const [type, declared] = [number(), number()];
    const start = position;
    const size = Math.max(0, Math.min(declared, unit.length - 1 - start));
    const head = Buffer.alloc(Math.min(size, headBytes));
    for (let index = 0; index < size; index++) {
      const byte = next();
      if (index < head.length) head.writeUInt8(byte, index);
    }
    const kept = keptBytes(type, head, size);
    if (kept === size) continue;
    for (let index = start + kept; index < Math.min(position, unit.length - 1); index++)
      if (!isBesidePrevention(unit, index) && unit[index] !== filler) {
        unit.writeUInt8(filler, index);
        isChanged = true;
      }
  }
  return isChanged;
}

/** How many of a message's bytes stay. */
function keptBytes(type: number, head: Buffer, size: number): number {
  if (type === registeredUserData) return isKnownProvider(head) ? size : 0;
  if (type !== unregisteredUserData) return Math.min(size, knownMessages[type] ?? 0);
  if (head.toString("hex", 0, 16) !== x264.uuid) return 0;
  const version = x264.version.exec(head.toString("latin1", 16));
  return version ? 16 + version[0].length : 0;
}

/**
 * Whether the byte keeps the unit from containing a start code: the third one of 0x000003. Overwriting spares those
 * bytes and the ones beside them, so that the answer is the same while a unit is being changed.
 */
function isPrevention(unit: Buffer, index: number): boolean {
  return unit[index] === 3 && unit[index - 1] === 0 && unit[index - 2] === 0;
}

/** These bytes stay, so that the unit keeps its length for decoders: two zeros, the byte that prevents, one below 4. */
function isBesidePrevention(unit: Buffer, index: number): boolean {
  return (
    isPrevention(unit, index) ||
    isPrevention(unit, index + 1) ||
    isPrevention(unit, index + 2) ||
    isPrevention(unit, index - 1)
  );
}

/** Whether registered user data (ITU-T T.35) that begins with these bytes is kept. */
export function isKnownProvider(head: Buffer): boolean {
  return knownProviders.has(head.toString("hex", 0, 3));
}
