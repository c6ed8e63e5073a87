/** The coding of a track's pictures: H.264 (ISO/IEC 14496-10) or HEVC (ISO/IEC 23008-2). */
export interface NalCoding {
  readonly isHevc: boolean;
  /** Bytes of the length before each NAL unit; 0 if start codes separate the units instead. */
  readonly lengthBytes: number;
}

/** Whether NAL units of this type hold supplemental enhancement information (SEI). */
export function isSeiType(type: number, isHevc: boolean): boolean {
  return isHevc ? type === 39 || type === 40 : type === 6;
}

/**
 * Message types that affect decoding or display, with their maximum length (ISO/IEC 14496-10 annex D, ISO/IEC 23002-7).
 * Players need no other types and no bytes after that length.
 */
const knownMessages: Readonly<Record<number, number>> = {
  // Buffering, timing, pan-scan, recovery points, repeated reference marking.
  ...{ 0: 256, 1: 256, 2: 64, 6: 8, 7: 64 },
  // Film grain, stereo, frame packing, orientation.
  ...{ 19: 1024, 21: 4, 45: 64, 47: 8 },
  // Active parameter sets, decoding units, layers, checksums, time codes.
  ...{ 129: 64, 130: 64, 131: 4, 132: 64, 136: 64 },
  // Mastering display, light levels, transfer characteristics, ambient light, colour volume.
  ...{ 137: 24, 144: 4, 147: 1, 148: 8, 149: 64 },
  // Spherical projections, alpha, 3D displays.
  ...{ 150: 4, 151: 4, 154: 16, 155: 1024, 156: 256, 165: 16, 176: 256 },
};

const registeredUserData = 4;
const unregisteredUserData = 5;
/**
 * Country and provider (ITU-T T.35) of registered user data that is kept: captions and active picture (ATSC, DirecTV),
 * Dolby Vision, HDR10+, HDR Vivid.
 */
const knownProviders = new Set(["b50031", "b5002f", "b5003b", "b5003c", "260004"]);
/** Decoders work around bugs of some x264 versions, so the version is kept and the settings are removed. */
const x264 = { uuid: "dc45e9bde6d948b7962cd820d923eeef", version: /^x264 - core \d{1,4}/ };
/** Bytes of a message that are enough to recognise it. */
const headBytes = 40;

/** A space, which needs no emulation prevention and ends a text. */
const filler = 0x20;

/**
 * Overwrites what decoders do not need in a NAL unit of SEI messages. Camcorders write the place, the time and the
 * model there (MDPM in AVCHD), encoders their settings. Messages keep their offsets and sizes.
 * @param padded the unit, possibly followed by zeros; is changed in place
 * @returns whether it was changed
 */
export function overwriteInUnit(padded: Buffer, isHevc: boolean): boolean {
  const unit = padded.subarray(0, padded.findLastIndex((byte) => byte !== 0) + 1);
  let isChanged = false;
  let position = isHevc ? 2 : 1;
  /** Reads the next byte, skipping emulation prevention bytes (ISO/IEC 14496-10 section 7.4.1). */
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

/** Returns how many bytes of a message to keep. */
function keptBytes(type: number, head: Buffer, size: number): number {
  if (type === registeredUserData) return isKnownProvider(head) ? size : 0;
  if (type !== unregisteredUserData) return Math.min(size, knownMessages[type] ?? 0);
  if (head.toString("hex", 0, 16) !== x264.uuid) return 0;
  const version = x264.version.exec(head.toString("latin1", 16));
  return version ? 16 + version[0].length : 0;
}

/**
 * Whether the byte is an emulation prevention byte: the third byte of 0x000003. Overwriting spares these bytes and
 * their neighbours, so that the answer does not change while a unit is being overwritten.
 */
function isPrevention(unit: Buffer, index: number): boolean {
  return unit[index] === 3 && unit[index - 1] === 0 && unit[index - 2] === 0;
}

/** Whether the byte must stay so that decoders see the same length: an emulation prevention byte, or one next to it. */
function isBesidePrevention(unit: Buffer, index: number): boolean {
  return (
    isPrevention(unit, index) ||
    isPrevention(unit, index + 1) ||
    isPrevention(unit, index + 2) ||
    isPrevention(unit, index - 1)
  );
}

/** Whether to keep registered user data (ITU-T T.35) that starts with these bytes. */
export function isKnownProvider(head: Buffer): boolean {
  return knownProviders.has(head.toString("hex", 0, 3));
}
