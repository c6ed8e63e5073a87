// Whether all current browsers (Chromium, Firefox, Safari) decode a stream, by the configuration record of its codec. Some
// browsers decode more.

/** Profiles of H.264 (ISO/IEC 14496-10 annex A) with 8 bits and 4:2:0: Baseline, Main, High. */
const avcProfiles = { baseline: 66, main: 77, high: 100 } as const;
const chroma420 = 1;

/** Whether browsers decode H.264. @param record AVCDecoderConfigurationRecord (ISO/IEC 14496-15 section 5.3.3.1) */
export function isPlayableAvc(record: Buffer): boolean {
  const [version, profile] = record;
  if (version !== 1) return false;
  if (profile === avcProfiles.baseline || profile === avcProfiles.main) return true;
  // The High profile includes grey pictures, which are rare.
  return profile === avcProfiles.high && (avcChroma(record) ?? chroma420) === chroma420;
}

/** Returns the chroma format after the parameter sets; undefined if the record does not say. */
function avcChroma(record: Buffer): number | undefined {
  let position = 5;
  for (const mask of [0x1f, 0xff]) {
    const count = (record[position++] ?? 0) & mask;
    for (let left = count; left > 0 && position + 2 <= record.length; left--)
      position += 2 + record.readUInt16BE(position);
  }
  const format = record[position];
  return format === undefined || format < 0xfc ? undefined : format & 3;
}

/** Accepts the profiles of VP9 with 4:2:0: 0 with 8 bits, 2 with more. @param profile undefined if the container does not say */
export function isPlayableVp9(profile: number | undefined): boolean {
  return profile === undefined || profile === 0 || profile === 2;
}

/** Accepts the Main profile: 4:2:0 with 8 or 10 bits. @param record AV1CodecConfigurationRecord */
export function isPlayableAv1(record: Buffer): boolean {
  const [version, profile = 0] = record;
  return version === 0x81 && profile >> 5 === 0;
}

/** Object types of MPEG-4 Audio (ISO/IEC 14496-3 section 1.5.1): Low Complexity, and both versions of HE-AAC. */
const aacTypes = new Set([2, 5, 29]);

/** Whether browsers decode AAC. @param configuration AudioSpecificConfig; Low Complexity if it is missing, as in MPEG-2 */
export function isPlayableAac(configuration: Buffer): boolean {
  const [first] = configuration;
  return first === undefined || aacTypes.has(first >> 3);
}
