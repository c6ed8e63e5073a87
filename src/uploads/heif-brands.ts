import type { MediaType } from "../media-types.ts";

/** Brands of files with AV1 or HEVC pictures (AVIF 1.1 section 9, ISO/IEC 23008-12 annex B). */
const codings: Readonly<Record<string, MediaType>> = {
  avif: "image/avif",
  avis: "image/avif",
  ...Object.fromEntries(
    "heic heix heim heis hevc hevx hevm hevs".split(" ").map((brand) => [brand, "image/heic" as const]),
  ),
};
/** Brands of pictures whatever their coding. */
const structures = new Set("mif1 mif2 mif3 msf1 miaf MiPr MiAn MiBu 1pic avci avcs jpeg jpgs".split(" "));
/** First brands of films, some of which have pictures' brands behind them. */
const films = /^(iso.|mp4.|avc1|qt  |3g..|M4[AVPB] |M4VH|M4VP|F4..|dash|MSNV|NDS.|XAVC|mmp4|mqt )/;

/**
 * Whether a file is a HEIC or an AVIF, by the brands in its `ftyp` (ISO/IEC 14496-12 section 4.3): the first one that
 * says how pictures are coded. Writers put what they like in front.
 */
export function heifType(bytes: Uint8Array): MediaType | undefined {
  const box = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (box.length < 16 || box.toString("latin1", 4, 8) !== "ftyp") return undefined;
  const end = Math.min(box.readUInt32BE(0), box.length);
  const brands = [box.toString("latin1", 8, 12)];
  for (let offset = 16; offset + 4 <= end; offset += 4)
    brands.push(box.toString("latin1", offset, offset + 4));
  if (films.test(brands[0] as string)) return undefined;
  const coding = brands.find((brand) => Object.hasOwn(codings, brand));
  if (coding !== undefined) return codings[coding];
  return brands.some((brand) => structures.has(brand)) ? "image/heic" : undefined;
}
