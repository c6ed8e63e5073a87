/** What QuickTime files without `ftyp` may begin with: data, an index, a preview, or space that was left free. */
const firstAtoms = new Set(["skip", "pnot", "uuid", "junk", "wide", "free", "mdat", "moov", "PICT", "udta"]);
/** Atoms that are met in films only. */
const filmAtoms = new Set(["mdat", "moov"]);
/** Bytes of a first atom that leaves too little to see of what follows: text has larger numbers. */
const maxUnseenBytes = 0x2000_0000;

/**
 * What a file without a signature of its own may be, by its first bytes: "quicktime" (atoms that make a film), or where
 * a file type box stands behind free space, which tells more.
 */
export function quickTimeStart(bytes: Uint8Array): "quicktime" | { readonly fileTypeAt: number } | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let offset = 0; offset + 16 <= bytes.length;) {
    const type = String.fromCharCode(...bytes.subarray(offset + 4, offset + 8));
    if (type === "ftyp" && offset > 0) return { fileTypeAt: offset };
    if (!firstAtoms.has(type)) return undefined;
    if (filmAtoms.has(type)) return "quicktime";
    const declared = view.getUint32(offset);
    const size = declared === 1 ? Number(view.getBigUint64(offset + 8)) : declared;
    if (size < 8) return undefined;
    offset += size;
    if (offset + 16 > bytes.length) return size < maxUnseenBytes ? "quicktime" : undefined;
  }
  return undefined;
}
