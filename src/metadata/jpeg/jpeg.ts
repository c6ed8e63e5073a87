import type { ByteSource } from "../byte-source.ts";
import { cutOff, damaged } from "../damaged.ts";
import { orientationExif, orientedSize, readOrientation, type Orientation } from "../exif.ts";
import { JpegFrames } from "./frames.ts";
import {
  app0,
  app1,
  app14,
  app2,
  dht,
  dnl,
  dqt,
  dri,
  endOfImage,
  eoi,
  exp,
  isFrame,
  jpg,
  sof0,
  sof15,
  soi,
  sos,
} from "./markers.ts";
import { JpegProfile } from "./profile.ts";
import { JpegScans } from "./scan.ts";
import { endOfScan, nextSegment, segmentOf, startsWith } from "./segments.ts";
import { Pieces, type Rewriting } from "../plan.ts";

/** Bytes of the content of a DNL segment, which is the height of the picture. */
const dnlBytes = 2;
/** Bytes of the content of Adobe's segment. */
const adobeBytes = 12;

/**
 * Plans the rewriting of a JPEG (ITU T.81, JFIF 1.02, ICC.1 annex B.4, Adobe TN 5116). The new file consists of the
 * unchanged tables and scans, the JFIF header without its thumbnail, a rebuilt colour profile, Adobe's colour transform
 * and an EXIF with nothing but the orientation. Everything after the end of the picture is dropped: second images, gain
 * maps and motion videos; in sequential JPEGs also the bytes between the last block of a scan and the next marker.
 *
 * It is as lenient as decoders are: bytes between segments are skipped, and the picture gets an end marker if that is
 * missing or if a segment after the picture reaches beyond the end of the file. Only decoding shows whether a scan
 * is complete (see jpeg-completeness.ts).
 * @throws ApiError DAMAGED_MEDIA; CUT_OFF_MEDIA if the file ends before the first scan
 */
export async function planJpeg(source: ByteSource): Promise<Rewriting> {
  if ((await source.read(0, 2)).readUInt16BE(0) !== 0xff00 + soi) throw damaged("no start of image");
  const [before, body] = [new Pieces(), new Pieces()];
  const profile = new JpegProfile();
  let jfif: Buffer | undefined;
  let orientation: Orientation | undefined;
  const frames = new JpegFrames();
  const scans = new JpegScans();
  let hasScan = false;
  let position = 2;
  let hasEnd = false;

  for (;;) {
    source.budget.elements.spend();
    const segment = await nextSegment(source, position);
    if (segment === undefined) break;
    const { marker, offset, end } = segment;
    position = end;
    if (marker === eoi) {
      hasEnd = true;
      break;
    }
    const content = () => source.read(segment.body, end - segment.body);
    if (marker === sos) {
      frames.addScan();
      const header = Buffer.from(await content());
      position = await endOfScan(source, end);
      const dataEnd = (await scans.end(source, header, end, position)) ?? position;
      body.keep(offset, dataEnd - offset);
      hasScan ||= position > end;
    } else if (marker === dnl) {
      const height = (await content()).subarray(0, dnlBytes);
      // Decoders ignore further bytes, and the whole segment if the frame header has a height.
      if (!frames.setHeight(height)) continue;
      if (end - segment.body === dnlBytes) body.keep(offset, end - offset);
      else body.add(segmentOf(dnl, height));
    } else if (isPartOfPicture(marker)) {
      body.keep(offset, end - offset);
      if (isFrame(marker)) {
        scans.addFrame(marker, await content());
        frames.addFrame(marker, await content());
      } else if (marker === dht) scans.addTables(await content());
      else if (marker === dri) scans.setRestartInterval(await content());
    } else if (hasScan) {
      // Decoders read application segments before the first scan only.
    } else if (marker === app0) {
      jfif ??= jfifHeader(await content());
    } else if (marker === app1) {
      orientation ??= orientationOf(await content());
    } else if (marker === app2) {
      profile.add(await content());
    } else if (marker === app14) {
      const adobe = await content();
      if (!startsWith(adobe, "Adobe") || adobe.length < adobeBytes) continue;
      if (adobe.length === adobeBytes) body.keep(offset, end - offset);
      else body.add(segmentOf(app14, adobe.subarray(0, adobeBytes)));
    }
  }
  if (!hasScan) throw hasEnd ? damaged("no picture") : cutOff("no scan");
  const { width, height, decodedPixels, components, memoryBytes, endsInCorner } = frames.sizes();

  before.keep(0, 2);
  if (jfif) before.add(jfif);
  if (orientation && orientation > 1)
    before.add(
      segmentOf(app1, Buffer.concat([Buffer.from("Exif\0\0", "latin1"), orientationExif(orientation)])),
    );
  const cleanProfile = profile.clean();
  if (cleanProfile) for (const segment of profile.segments(cleanProfile)) before.add(segment);
  before.addAll(body);
  before.add(Buffer.from(endOfImage));
  return {
    pieces: before.list,
    orientation: orientation ?? 1,
    size: orientedSize(width, height, orientation ?? 1),
    decodedPixels,
    hasPicture: true,
    decoding: {
      memoryBytes,
      components,
      colours: cleanProfile && { profile: cleanProfile },
      mustBeChecked: hasEnd ? (endsInCorner ? undefined : "hidden end") : "no end",
    },
  };
}

/** Whether a segment is kept unchanged as part of the picture: SOFn, DHT, DAC, DQT, DRI, DHP or EXP. */
function isPartOfPicture(marker: number): boolean {
  return (
    (marker >= sof0 && marker <= sof15 && marker !== jpg) ||
    (marker >= dqt && marker <= exp && marker !== dnl)
  );
}

/** Returns the segment of a JFIF header without its thumbnail; undefined for other segments. */
function jfifHeader(content: Buffer): Buffer | undefined {
  if (!startsWith(content, "JFIF\0") || content.length < 14) return undefined;
  const header = Buffer.from(content.subarray(0, 14));
  header.fill(0, 12);
  return segmentOf(app0, header);
}

function orientationOf(content: Buffer): Orientation | undefined {
  return startsWith(content, "Exif\0") ? readOrientation(content.subarray(6)) : undefined;
}
