import type { Box, BoxReader } from "./boxes.ts";
import { blankBox } from "./blanking.ts";
import { full, numberAt, type Rule, type Rules } from "./rules.ts";
import type { Patches } from "../plan.ts";

/** Registered brands (mp4ra.org) that players and tools may look for. Others may be arbitrary text. */
const knownBrands = new Set(
  [
    "3g2a 3g2b 3g2c 3ge6 3ge7 3ge9 3gf9 3gg6 3gg9 3gh9 3gm9 3gma 3gp1 3gp2 3gp3 3gp4 3gp5 3gp6 3gp7 3gp8 3gp9",
    "3gr6 3gr9 3gs6 3gs9 3gt8 3gt9 3gtv 3gvr ARRI CAEP CDes F4A F4B F4P F4V J2P0 J2P1 LCAG M4A M4B M4P M4V",
    "M4VH M4VP MA1A MA1B MFSM MGSV MPPI MSNV MiAB MiAC MiAn MiBu MiCm NDAS NDSC NDSH NDSM NDSP NDSS NDXC NDXH NDXM",
    "NDXP NDXS Opus ROSS SEBK XAVC YT4 av01 avc1 avci avcs avde avif avio avis bbxm caaa caac caqv ccea ccff cdsd",
    "ceac cfhd cfsd chd1 chdf chhd clg1 cma1 cma2 cmaf cmf2 cmfc cmff cmfl cmfs cmhm cmhs cud1 cud8 cuvd cvvc cwvt",
    "da0a da0b da1a da1b da2a da2b da3a da3b dash dby1 dmb1 dmpf drc1 dsms dts1 dts2 dts3 dv1a dv1b dv2a dv2b dv3a",
    "dv3b dvr1 dvt1 dxo emsg heic heim heis heix hevc hevd hevi hevm hevs hevx hvce hvci hvcx hvti ifaa ifah ifai",
    "ifas ifau ifhd ifhh ifhr ifhs ifhu ifhx ifrm im1i im1t im2i im2t isc2 isma isml iso2 iso3 iso4 iso5 iso6 iso7",
    "iso8 iso9 isoa isob isoc isom j2is j2ki jp2 jpeg jpgs jpm jpoi jpsi jpx jpxb jxl jxs lhte lhti lmsg miaf",
    "mif1 mif2 mif3 mj2s mjp2 mp21 mp41 mp42 mp71 mpuf msdh msf1 msix niko nlsl nras odcf opf2 opx2 pana piff pnvi",
    "qt relo risx sdv senv sims sisx ssss tmap uvvu v3mp vwpt",
  ].flatMap((line) => line.split(" ").map((brand) => brand.padEnd(4))),
);

/** Real files list a dozen at most. */
const maxBrands = 32;

/** Keeps the major brand and the known compatible brands of `ftyp` and `styp`. */
export const brands: Rule = {
  bytes: (_head, boxBytes) => Math.min(boxBytes - (boxBytes % 4), 8 + 4 * maxBrands),
  unused: (head) => {
    const version = [4, 8] as const;
    const unknown = [];
    for (let at = 8; at + 4 <= Math.min(head.length, 8 + 4 * maxBrands); at += 4)
      if (!knownBrands.has(head.toString("latin1", at, at + 4))) unknown.push([at, at + 4] as const);
    return [version, ...unknown];
  },
};

/**
 * Rules for indexes of fragments (`sidx`, ISO/IEC 14496-12 section 8.16.3, and `mfra`, section 8.8.9).
 * @param removedTracks ids of removed tracks, whose indexes are blanked
 */
export function indexRules(removedTracks: ReadonlySet<number>): Rules {
  const blankIfTrackRemoved = async (reader: BoxReader, patches: Patches, box: Box) => {
    if (removedTracks.has((await reader.content(box, 8)).readUInt32BE(4))) blankBox(patches, box);
  };
  const segments: Rule = {
    bytes: (head) => {
      const at = segmentCountAt(head);
      return at + 2 + 12 * (numberAt(head, at - 2) & 0xffff);
    },
    unused: (head) => [
      [1, 4],
      [segmentCountAt(head) - 2, segmentCountAt(head)],
    ],
    isAnchor: true,
    clean: blankIfTrackRemoved,
  };
  const randomAccess: Rule = {
    bytes: (head) => {
      const lengths = head[11] ?? 0;
      const numberBytes = 3 + ((lengths >> 4) & 3) + ((lengths >> 2) & 3) + (lengths & 3);
      return 16 + numberAt(head, 12) * ((head[0] === 1 ? 16 : 8) + numberBytes);
    },
    unused: () => [
      [1, 4],
      [8, 11],
    ],
    clean: blankIfTrackRemoved,
  };
  return { sidx: segments, mfra: { children: { tfra: randomAccess, mfro: full(8) } } };
}

/** Offset of the reference count in a `sidx`. */
const segmentCountAt = (head: Buffer) => (head[0] === 0 ? 22 : 30);
