import type { MediaType } from "../media-types.ts";

/** Brands of files with AV1 or HEVC pictures (AVIF 1.1 section 9, ISO/IEC 23008-12 annex B). */
const codecBrands: Readonly<Record<string, MediaType>> = {
  avif: "image/avif",
  avis: "image/avif",
  ...Object.fromEntries(
    "heic heix heim heis hevc hevx hevm hevs".split(" ").map((brand) => [brand, "image/heic" as const]),
  ),
};
/** Brands of pictures that do not name a codec. */
const genericBrands = new Set("mif1 mif2 mif3 msf1 miaf MiPr MiAn MiBu 1pic avci avcs jpeg jpgs".split(" "));
/** Major brands of videos, some of which list picture brands as compatible. */
const videoBrands = /^(iso.|mp4.|avc1|qt  |3g..|M4[AVPB] |M4VH|M4VP|F4..|dash|MSNV|NDS.|XAVC|mmp4|mqt )/;

/**
 * Detects HEIC and AVIF by the first brand in `ftyp` that names a codec (ISO/IEC 14496-12 section 4.3). The major brand
 * alone does not decide, because encoders differ in it.
 * @param bytes the beginning of the file
 */
export function heifType(bytes: Uint8Array): MediaType | undefined {
  const box = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (box.length < 16 || box.toString("latin1", 4, 8) !== "ftyp") return undefined;
  const end = Math.min(box.readUInt32BE(0), box.length);
  const brands = [box.toString("latin1", 8, 12)];
  for (let offset = 16; offset + 4 <= end; offset += 4)
    brands.push(box.toString("latin1", offset, offset + 4));
  if (videoBrands.test(brands[0] as string)) return undefined;
  const codecBrand = brands.find((brand) => Object.hasOwn(codecBrands, brand));
  if (codecBrand !== undefined) return codecBrands[codecBrand];
  return brands.some((brand) => genericBrands.has(brand)) ? "image/heic" : undefined;
}
