/** First atoms of QuickTime files without `ftyp`: data, an index, a preview or free space. */
const firstAtoms = new Set(["skip", "pnot", "uuid", "junk", "wide", "free", "mdat", "moov", "PICT", "udta"]);
/** Atoms that occur only in movies. */
const movieAtoms = new Set(["mdat", "moov"]);
/** Limit on a first atom that extends beyond the inspected bytes. Text that looks like an atom gives a larger size. */
const maxFirstAtomBytes = 0x2000_0000;

/**
 * Inspects the first bytes of a file without a known signature.
 * @returns "quicktime" for the atoms of a movie; the position of `ftyp` if free space precedes it; otherwise undefined
 */
export function quickTimeStart(bytes: Uint8Array): "quicktime" | { readonly fileTypeAt: number } | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let offset = 0; offset + 16 <= bytes.length;) {
    const type = String.fromCharCode(...bytes.subarray(offset + 4, offset + 8));
    if (type === "ftyp" && offset > 0) return { fileTypeAt: offset };
    if (!firstAtoms.has(type)) return undefined;
    if (movieAtoms.has(type)) return "quicktime";
    const declared = view.getUint32(offset);
    const size = declared === 1 ? Number(view.getBigUint64(offset + 8)) : declared;
    if (size < 8) return undefined;
    offset += size;
    if (offset + 16 > bytes.length) return size < maxFirstAtomBytes ? "quicktime" : undefined;
  }
  return undefined;
}
