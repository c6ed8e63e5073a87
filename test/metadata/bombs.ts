import { constants, deflateRawSync, deflateSync } from "node:zlib";

import type { MediaType } from "../../src/media-types.ts";
import {
  box,
  element,
  movieFile,
  ftyp,
  fullBox,
  gridPayload,
  heifOf,
  movie,
  numbers,
  openElement,
  pictureEntry,
  track,
  u16,
  u32,
} from "./container-samples.ts";
import { packet, packs, videoStream } from "./mpeg-samples.ts";
import {
  gifParts,
  jpegParts,
  jpegSegment,
  plainJpeg,
  plainPng,
  pngChunk,
  riffChunk,
  riffFile,
  vp8x,
  webpImage,
} from "./photo-samples.ts";

/** A file of a few megabytes whose structure costs a naive parser endless work. Valid ones must only be quick. */
export interface Bomb {
  readonly type: MediaType;
  readonly outcome: "DAMAGED_MEDIA" | "cleaned";
  make(): Promise<Buffer> | Buffer;
}

const repeated = (count: number, unit: Buffer) => Buffer.alloc(count * unit.length, unit);
const video = track({ id: 1, handler: "vide" });
const file = Buffer.concat([ftyp, movie(video), box("mdat", "pictures")]);
const dataTrack = (id: number, ...tables: Buffer[]) => track({ id, handler: "meta", tables });
/** A video track, because only the tables of kept tracks are read. */
const videoTrack = (id: number, ...tables: Buffer[]) => track({ id, handler: "vide", tables });
const sameChunk = fullBox("stsc", 0, u32(1, 1, 1, 1));
/** A video with one H.264 picture or one JPEG. */
const movieOfOne = (picture: Buffer, entry: Buffer) =>
  movieFile(picture, (data) => [
    movie(track({ id: 1, handler: "vide", chunks: [data], sampleBytes: picture.length, entries: [entry] })),
  ]);
const avcC = box("avcC", Buffer.from([1, 100, 0, 10, 0xff, 0xe0, 0]));
const h264Movie = (picture: Buffer) => movieOfOne(picture, pictureEntry("avc1", [64, 48], { boxes: [avcC] }));
const jpegMovie = (picture: Buffer) => movieOfOne(picture, pictureEntry("jpeg", [64, 48]));
/**
 * Fragments whose runs all claim 2³² - 1 samples of one byte at the same offset; if cut, the file ends within its data.
 */
function manyRuns(isCut: boolean): Buffer {
  const data = box("mdat", Buffer.alloc(500_000, 0xff));
  return Buffer.concat([
    ftyp,
    movie(
      track({ id: 1, handler: "vide", entries: [pictureEntry("avc1", [64, 48], { boxes: [avcC] })] }),
      box("mvex", box("trex", u32(0, 1, 1, 0, 1, 0))),
    ),
    box(
      "moof",
      box("traf", box("tfhd", u32(0x02_0000, 1)), repeated(10_000, box("trun", u32(0x01, 0xffff_ffff, 100)))),
    ),
    isCut ? data.subarray(0, -1000) : data,
  ]);
}

const ebml = element(0x1a45dfa3, element(0x4282, "webm"));
const list = (kind: string, ...chunks: Buffer[]) =>
  riffChunk("LIST", Buffer.concat([Buffer.from(kind), ...chunks]));
const junk = riffChunk("JUNK", Buffer.alloc(0));

/** Nested boxes, elements or chunks. */
function nested(depth: number, headerBytes: number, header: (bodyBytes: number) => Buffer): Buffer {
  const headers: Buffer[] = [];
  for (let level = 0; level < depth; level++) headers.push(header(level * headerBytes));
  return Buffer.concat(headers.reverse());
}

const nestedBoxes = (type: string) =>
  nested(100_000, 8, (body) => Buffer.concat([u32(body + 8), Buffer.from(type)]));

/** A HEIC with one box of its description replaced. */
function heifWith(type: string, replacement: Buffer): Buffer {
  const sample = heifOf([
    { id: 1, type: "grid", size: [64, 48], payload: gridPayload(1, 1, 64, 48), parts: [2] },
    { id: 2, type: "Exif", size: [64, 48], payload: Buffer.from("exif") },
  ]);
  const at = sample.indexOf(type) - 4;
  const rest = sample.subarray(at + sample.readUInt32BE(at));
  const whole = Buffer.concat([sample.subarray(0, at), replacement, rest]);
  const grown = whole.length - sample.length;
  for (const parent of ["meta", "iprp"]) {
    const size = sample.indexOf(parent) - 4;
    const end = size + sample.readUInt32BE(size);
    if (size < at && at < end) whole.writeUInt32BE(sample.readUInt32BE(size) + grown, size);
  }
  return whole;
}

async function jpegWith(...inserted: Buffer[]): Promise<Buffer> {
  const jpeg = await plainJpeg();
  return Buffer.concat([jpeg.subarray(0, 2), ...inserted, jpeg.subarray(2)]);
}

async function movingWebp(...chunks: Buffer[]): Promise<Buffer> {
  return riffFile("WEBP", vp8x(0x02), riffChunk("ANIM", Buffer.alloc(6)), ...chunks);
}

const damaged = (type: MediaType, make: Bomb["make"]): Bomb => ({ type, make, outcome: "DAMAGED_MEDIA" });
const odd = (type: MediaType, make: Bomb["make"]): Bomb => ({ type, make, outcome: "cleaned" });

export const bombs: Readonly<Record<string, Bomb>> = {
  "900,000 empty boxes after a video": damaged("video/mp4", () =>
    Buffer.concat([file, repeated(900_000, box("free"))]),
  ),
  "500,000 empty boxes in a video's index": damaged("video/quicktime", () =>
    Buffer.concat([ftyp, movie(video, repeated(500_000, box("trak"))), box("mdat")]),
  ),
  "20,000 decoder configurations that claim 65,535 units each": odd("video/mp4", () => {
    const claim = Buffer.concat([Buffer.alloc(22), Buffer.from([1, 0xa0]), u16(0xffff)]);
    return movieOfOne(
      Buffer.alloc(100),
      pictureEntry("hvc1", [64, 48], { boxes: [repeated(20_000, box("hvcE", claim))] }),
    );
  }),
  "30,000 tracks": damaged("video/mp4", () =>
    Buffer.concat([ftyp, movie(repeated(30_000, dataTrack(2))), box("mdat")]),
  ),
  "boxes of a video in boxes, 100,000 deep": odd("video/mp4", () =>
    Buffer.concat([ftyp, nestedBoxes("moov"), box("mdat")]),
  ),
  "boxes of a picture in boxes, 100,000 deep": odd("image/heic", () =>
    Buffer.concat([ftyp, u32(800_012), Buffer.from("meta"), u32(0), nestedBoxes("iprp")]),
  ),
  "50,000 fragments of nothing": damaged("video/mp4", () =>
    Buffer.concat([file, repeated(50_000, box("moof", box("traf", fullBox("tfhd", 0, u32(1)))))]),
  ),
  "a fragment with 200,000 runs": damaged("video/mp4", () =>
    Buffer.concat([
      ftyp,
      movie(video, videoTrack(2)),
      box("moof", box("traf", fullBox("tfhd", 0, u32(2)), repeated(200_000, fullBox("trun", 0, u32(0))))),
      box("mdat"),
    ]),
  ),
  "runs of four billion samples": odd("video/mp4", () =>
    Buffer.concat([
      ftyp,
      movie(video, videoTrack(2)),
      box(
        "moof",
        box("traf", fullBox("tfhd", 0, u32(2)), repeated(1000, fullBox("trun", 0, u32(0xffff_ffff)))),
      ),
      box("mdat"),
    ]),
  ),
  "a chunk of four billion samples, a million times": odd("video/mp4", () =>
    Buffer.concat([
      ftyp,
      box("mdat", Buffer.alloc(1000)),
      movie(
        video,
        videoTrack(
          2,
          fullBox("stsc", 0, u32(1, 1, 0xffff_ffff, 1)),
          fullBox(
            "stsz",
            0,
            u32(0, 1_000_000),
            numbers(1_000_000, () => 0),
          ),
          fullBox(
            "stco",
            0,
            u32(1_000_000),
            numbers(1_000_000, () => ftyp.length + 8),
          ),
        ),
      ),
    ]),
  ),
  "a million groups for one chunk": odd("video/mp4", () =>
    Buffer.concat([
      ftyp,
      box("mdat", Buffer.alloc(1000)),
      movie(
        video,
        videoTrack(
          2,
          fullBox("stsc", 0, u32(1_000_000), Buffer.alloc(12_000_000)),
          fullBox("stsz", 0, u32(1, 1000)),
          fullBox("stco", 0, u32(1, ftyp.length + 8)),
        ),
      ),
    ]),
  ),
  "ten tracks with half a million chunks each": damaged("video/mp4", () =>
    Buffer.concat([
      ftyp,
      box("mdat", Buffer.alloc(1000)),
      movie(
        video,
        ...Array.from({ length: 10 }, (_, index) =>
          videoTrack(
            index + 2,
            sameChunk,
            fullBox("stsz", 0, u32(0, 1)),
            fullBox(
              "stco",
              0,
              u32(500_000),
              numbers(500_000, () => ftyp.length + 8),
            ),
          ),
        ),
      ),
    ]),
  ),
  "half a million chunks from the last to the first": odd("video/mp4", () =>
    Buffer.concat([
      ftyp,
      box("mdat", Buffer.alloc(1_000_000)),
      movie(
        video,
        videoTrack(
          2,
          sameChunk,
          fullBox("stsz", 0, u32(1, 500_000)),
          fullBox(
            "stco",
            0,
            u32(500_000),
            numbers(500_000, (index) => ftyp.length + 1_000_000 - index * 2),
          ),
        ),
      ),
    ]),
  ),
  "a hundred thousand pictures from both ends of the file in turn": damaged("video/mp4", () =>
    movieFile(repeated(100_000, u32(4, 0x65010203)), (data) => [
      movie(
        track({
          id: 1,
          handler: "vide",
          entries: [pictureEntry("avc1", [64, 48], { boxes: [avcC] })],
          tables: [
            sameChunk,
            fullBox("stsz", 0, u32(8, 100_000)),
            fullBox(
              "stco",
              0,
              u32(100_000),
              numbers(
                100_000,
                (index) => data + 8 * (index % 2 === 0 ? index / 2 : 100_000 - (index + 1) / 2),
              ),
            ),
          ],
        }),
      ),
    ]),
  ),
  "four billion samples of one byte": odd("video/mp4", () =>
    movieFile(Buffer.alloc(1_000_000, 0xff), (data) => [
      movie(
        videoTrack(
          1,
          fullBox("stsc", 0, u32(1, 1, 0xffff_ffff, 1)),
          fullBox("stsz", 0, u32(1, 0xffff_ffff)),
          fullBox("stco", 0, u32(2, data, data)),
        ),
      ),
    ]),
  ),
  "a million NAL units of one byte": odd("video/mp4", () =>
    h264Movie(repeated(1_000_000, Buffer.from([0, 0, 0, 1, 6]))),
  ),
  "a megabyte of SEI messages without content": odd("video/mp4", () =>
    h264Movie(Buffer.concat([u32(1_000_001), Buffer.from([6]), repeated(500_000, Buffer.from([5, 0]))])),
  ),
  "a million bytes of emulation prevention": odd("video/mp4", () =>
    h264Movie(
      Buffer.concat([
        u32(1_000_002),
        Buffer.from([6, 5]),
        repeated(333_334, Buffer.from([0, 0, 3])),
      ]).subarray(0, 1_000_006),
    ),
  ),
  "fifteen megabytes of emulation prevention in one SEI unit": damaged("video/mp4", () =>
    h264Movie(
      Buffer.concat([
        u32(15_000_003),
        Buffer.from([6, 5, 0xff]),
        repeated(5_000_000, Buffer.from([0, 0, 3])),
      ]),
    ),
  ),
  "four megabytes of emulation prevention in one SEI unit": odd("video/mp4", () =>
    h264Movie(
      Buffer.concat([u32(3_900_003), Buffer.from([6, 5, 0xff]), repeated(1_300_000, Buffer.from([0, 0, 3]))]),
    ),
  ),
  "ten thousand runs of four billion samples of one byte, cut": damaged("video/mp4", () => manyRuns(true)),
  "ten thousand runs of four billion samples of one byte": damaged("video/mp4", () => manyRuns(false)),
  "ten thousand chunks of the same samples of one byte": odd("video/mp4", () =>
    movieFile(repeated(1_000_000, Buffer.from([0xff])), (data) => [
      movie(
        track({
          id: 1,
          handler: "vide",
          entries: [pictureEntry("avc1", [64, 48], { boxes: [avcC] })],
          tables: [
            fullBox("stsc", 0, u32(1, 1, 0xffff_ffff, 1)),
            fullBox("stsz", 0, u32(1, 0xffff_ffff)),
            fullBox(
              "stco",
              0,
              u32(10_000),
              numbers(10_000, () => data),
            ),
          ],
        }),
      ),
    ]),
  ),
  "a picture named by a million samples": damaged("video/mp4", () =>
    movieFile(Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 50, ...Buffer.alloc(58)]), (data) => [
      movie(
        videoTrack(
          1,
          sameChunk,
          fullBox("stsz", 0, u32(64, 1_000_000)),
          fullBox(
            "stco",
            0,
            u32(1_000_000),
            numbers(1_000_000, () => data),
          ),
        ),
      ),
    ]),
  ),
  "a megabyte of JPEG comments": damaged("video/quicktime", () =>
    jpegMovie(Buffer.concat([Buffer.from([0xff, 0xd8]), repeated(250_000, Buffer.from([0xff, 0xfe, 0, 2]))])),
  ),
  "a megabyte of JPEGs without content": damaged("video/quicktime", () =>
    jpegMovie(repeated(500_000, Buffer.from([0xff, 0xd8]))),
  ),
  "two million bytes that might be markers": odd("video/quicktime", () =>
    jpegMovie(
      Buffer.concat([
        Buffer.from([0xff, 0xd8, 0xff, 0xda, 0, 2]),
        repeated(1_000_000, Buffer.from([0xff, 0])),
      ]),
    ),
  ),
  "100,000 offsets of auxiliary information": odd("video/mp4", () =>
    movieFile(Buffer.alloc(1000), (data) => [
      movie(
        track({
          id: 1,
          handler: "vide",
          tables: [
            fullBox("stsc", 0, u32(1, 1, 0xffff_ffff, 1)),
            fullBox("stsz", 0, u32(1, 1000)),
            fullBox(
              "stco",
              0,
              u32(100_000),
              numbers(100_000, () => data),
            ),
            fullBox("saiz", 0, "\xff", u32(0xffff_ffff)),
            fullBox(
              "saio",
              0,
              u32(100_000),
              numbers(100_000, () => data),
            ),
          ],
        }),
      ),
    ]),
  ),
  "65,535 items of 65,535 extents without an offset": damaged("image/heic", () =>
    heifWith("iloc", fullBox("iloc", 1, u16(0, 65_535), repeated(65_535, u16(2, 1, 0, 65_535)))),
  ),
  "a million extents": damaged("image/avif", () =>
    heifWith(
      "iloc",
      fullBox(
        "iloc",
        1,
        u16(0x4400, 16),
        repeated(16, Buffer.concat([u16(2, 1, 0, 65_535), Buffer.alloc(65_535 * 8)])),
      ),
    ),
  ),
  "five million items without properties": damaged("image/heic", () =>
    heifWith("ipma", fullBox("ipma", 0, u32(5_000_000), Buffer.alloc(15_000_000))),
  ),
  "60,000 items with 255 properties each": damaged("image/heic", () =>
    heifWith(
      "ipma",
      fullBox("ipma", 0, u32(60_000), repeated(60_000, Buffer.concat([u16(1), Buffer.alloc(256, 0xff)]))),
    ),
  ),
  "300,000 items": damaged("image/heic", () =>
    heifWith(
      "iinf",
      fullBox("iinf", 1, u32(300_000), repeated(300_000, box("infe", u32(0x02000000), u16(2, 0), "Exif\0"))),
    ),
  ),
  "80 references to 65,535 parts each": damaged("image/heic", () =>
    heifWith("iref", fullBox("iref", 0, repeated(80, box("dimg", u16(1, 65_535), Buffer.alloc(131_070))))),
  ),
  "20,000 descriptions beside 40,000 boxes of data": damaged("image/heic", () =>
    Buffer.concat([repeated(20_000, heifWith("iloc", box("free"))), repeated(40_000, box("mdat"))]),
  ),
  "a million elements of two bytes": damaged("video/webm", () =>
    Buffer.concat([ebml, openElement(0x18538067), repeated(1_000_000, Buffer.from([0xec, 0x80]))]),
  ),
  "a million elements in the track descriptions": damaged("video/matroska", () => {
    const size = Buffer.from([0x08, 0, 0, 0, 0, 0, 0, 0]);
    size.writeUInt32BE(2_000_000, 4);
    size.writeUInt8(0x01, 0);
    return Buffer.concat([
      ebml,
      openElement(0x18538067),
      Buffer.from("1654ae6b", "hex"),
      size,
      repeated(1_000_000, Buffer.from([0xae, 0x80])),
    ]);
  }),
  "three million blocks of two bytes": damaged("video/webm", () =>
    Buffer.concat([
      ebml,
      openElement(0x18538067, openElement(0x1f43b675)),
      repeated(3_000_000, Buffer.from([0xa3, 0x80])),
    ]),
  ),
  "a million clusters without an end": damaged("video/webm", () =>
    Buffer.concat([ebml, openElement(0x18538067), repeated(1_000_000, openElement(0x1f43b675))]),
  ),
  "200,000 blocks of no track": damaged("video/webm", () =>
    Buffer.concat([
      ebml,
      openElement(0x18538067, openElement(0x1f43b675)),
      repeated(200_000, element(0xa3, "\x81\0\0\0")),
    ]),
  ),
  "a damaged cluster before each of 100,000 others": damaged("video/webm", () =>
    Buffer.concat([
      ebml,
      openElement(0x18538067),
      repeated(100_000, Buffer.concat([openElement(0x1f43b675), Buffer.alloc(24)])),
    ]),
  ),
  "nine million empty NAL units in a block": damaged("video/matroska", () => {
    const size = Buffer.from([0x08, 0, 0, 0, 0, 0, 0, 0]);
    size.writeUInt32BE(9_000_004, 4);
    size.writeUInt8(0x01, 0);
    const track = element(
      0xae,
      element(0xd7, "\x01"),
      element(0x83, "\x01"),
      element(0x86, "V_MPEG4/ISO/AVC"),
      element(0x63a2, Buffer.from([1, 66, 0, 10, 0xfc, 0xe0, 0])),
    );
    return Buffer.concat([
      ebml,
      openElement(0x18538067, element(0x1654ae6b, track), openElement(0x1f43b675)),
      Buffer.from([0xa3]),
      size,
      Buffer.from([0x81, 0, 0, 0x80]),
      Buffer.alloc(9_000_000),
    ]);
  }),
  "three million numbers in the cues": damaged("video/matroska", () => {
    const size = Buffer.from([0x08, 0, 0, 0, 0, 0, 0, 0]);
    size.writeUInt32BE(6_000_000, 4);
    size.writeUInt8(0x01, 0);
    const numbers = repeated(3_000_000, Buffer.from([0xb3, 0x80]));
    return Buffer.concat([ebml, openElement(0x18538067), Buffer.from("1c53bb6b", "hex"), size, numbers]);
  }),
  "four megabytes of zeros after a cluster": odd("video/webm", () =>
    Buffer.concat([ebml, openElement(0x18538067, openElement(0x1f43b675)), Buffer.alloc(4_000_000)]),
  ),
  "500,000 empty chunks in a PNG": damaged("image/png", () =>
    plainPng([repeated(500_000, pngChunk("tEXt"))]),
  ),
  "a thousand colour profiles that inflate to 16 MB each": odd("image/png", () =>
    plainPng([
      repeated(
        1000,
        pngChunk("iCCP", Buffer.concat([Buffer.from("icc\0\0"), deflateSync(Buffer.alloc(16_000_000))])),
      ),
    ]),
  ),
  "500,000 empty parts of a PNG's data": damaged("image/png", () =>
    plainPng([], [repeated(500_000, pngChunk("IDAT"))]),
  ),
  "a PNG of 300 megapixels that inflates to 1.2 GB": odd("image/png", () => {
    const [width, height] = [16_384, 18_310];
    const rowBytes = (1 + width * 4) * height;
    const blockBytes = 1024 * 1024;
    const block = deflateRawSync(Buffer.alloc(blockBytes), { finishFlush: constants.Z_FULL_FLUSH });
    const blocks = Math.floor(rowBytes / blockBytes);
    const end = deflateRawSync(Buffer.alloc(rowBytes % blockBytes));
    // Adler-32 of zeros.
    const checksum = u32((rowBytes % 65_521) * 65_536 + 1);
    const data = Buffer.concat([Buffer.from([0x78, 0x9c]), repeated(blocks, block), end, checksum]);
    const header = Buffer.concat([u32(width, height), Buffer.from([8, 6, 0, 0, 0])]);
    const chunks = [pngChunk("IHDR", header), pngChunk("IDAT", data), pngChunk("IEND")];
    return Buffer.concat([plainPng().subarray(0, 8), ...chunks]);
  }),
  "200,000 comments": damaged("image/jpeg", () => jpegWith(repeated(200_000, jpegSegment(0xfe)))),
  "a million starts of an image": damaged("image/jpeg", () =>
    jpegWith(repeated(1_000_000, Buffer.from([0xff, 0xd8]))),
  ),
  "20,000 scans": damaged("image/jpeg", async () => {
    const parts = jpegParts(await plainJpeg(true));
    const scan = parts.findLast(({ marker }) => marker === 0xda)?.bytes ?? Buffer.alloc(0);
    return Buffer.concat([...parts.slice(0, -1).map(({ bytes }) => bytes), repeated(20_000, scan)]);
  }),
  "16 MB of marker beginnings": odd("image/jpeg", () => jpegWith(Buffer.alloc(16_000_000, 0xff))),
  "300,000 empty extensions": damaged("image/gif", () =>
    Buffer.concat([gifParts.screen, repeated(300_000, Buffer.from("!\xfe\0", "latin1")), gifParts.image]),
  ),
  "300,000 images": damaged("image/gif", () =>
    Buffer.concat([gifParts.screen, repeated(300_000, gifParts.image), gifParts.trailer]),
  ),
  "16 MB of sub-blocks with one byte": odd("image/gif", () =>
    Buffer.concat([
      gifParts.screen,
      Buffer.from("!\xfe", "latin1"),
      Buffer.alloc(16_000_000, 1),
      Buffer.alloc(1),
      gifParts.image,
      gifParts.trailer,
    ]),
  ),
  "a million chunks in a WebP": damaged("image/webp", async () =>
    riffFile("WEBP", vp8x(0), repeated(1_000_000, junk), await webpImage(false)),
  ),
  "200,000 empty frames": damaged("image/webp", () =>
    movingWebp(repeated(200_000, riffChunk("ANMF", Buffer.alloc(16)))),
  ),
  "a frame with 200,000 chunks": damaged("image/webp", () =>
    movingWebp(riffChunk("ANMF", Buffer.concat([Buffer.alloc(16), repeated(200_000, junk)]))),
  ),
  "four megabytes of nothing in an AVI": odd("video/x-msvideo", () =>
    riffFile("AVI ", list("movi", Buffer.alloc(4_000_000))),
  ),
  "damage before each of 200,000 chunks": damaged("video/x-msvideo", () =>
    riffFile("AVI ", list("movi", repeated(200_000, Buffer.concat([Buffer.alloc(8), junk])))),
  ),
  "four megabytes of names of chunks that do not fit": odd("video/x-msvideo", () =>
    riffFile("AVI ", list("movi", repeated(1_000_000, Buffer.from("00dc")))),
  ),
  "an index of a million entries": odd("video/x-msvideo", () =>
    riffFile("AVI ", list("movi", Buffer.alloc(8)), riffChunk("idx1", Buffer.alloc(16_000_000, 1))),
  ),
  "a million chunks in an AVI": damaged("video/x-msvideo", () =>
    riffFile("AVI ", list("movi", Buffer.alloc(8)), repeated(1_000_000, junk)),
  ),
  "a million chunks after an AVI": damaged("video/x-msvideo", () =>
    Buffer.concat([riffFile("AVI ", list("movi", Buffer.alloc(8))), repeated(1_000_000, junk)]),
  ),
  "100,000 streams of two chunks in an AVI": damaged("video/x-msvideo", () =>
    riffFile(
      "AVI ",
      list("movi", Buffer.alloc(8)),
      list("hdrl", repeated(100_000, list("strl", junk, junk))),
    ),
  ),
  "lists in lists, 100,000 deep": odd("video/x-msvideo", () => {
    const lists = nested(100_000, 12, (body) => {
      const header = Buffer.from("LIST\0\0\0\0hdrl");
      header.writeUInt32LE(body + 4, 4);
      return header;
    });
    return riffFile("AVI ", list("movi", Buffer.alloc(8)), lists);
  }),
  "a megabyte of the smallest packets": damaged("video/mpeg", () =>
    Buffer.concat([packs.mpeg2, repeated(300_000, Buffer.from([0, 0, 1, 0xbe, 0, 1, 0xff]))]),
  ),
  "a million user data": damaged("video/mpeg", () =>
    Buffer.concat([videoStream(), repeated(1_000_000, Buffer.from([0, 0, 1, 0xb2]))]),
  ),
  "four megabytes of nothing behind a program stream": odd("video/mpeg", () =>
    Buffer.concat([packs.mpeg2, packet(0xe0, "mpeg2", videoStream()), Buffer.alloc(4_000_000)]),
  ),
  "four megabytes of prefixes behind a program stream": damaged("video/mpeg", () =>
    Buffer.concat([
      packs.mpeg2,
      packet(0xe0, "mpeg2", videoStream()),
      repeated(1_300_000, Buffer.from([0, 0, 1])),
    ]),
  ),
  "a million system headers of one entry": damaged("video/mpeg", () =>
    Buffer.concat([
      packs.mpeg2,
      packet(0xe0, "mpeg2", videoStream()),
      repeated(1_000_000, Buffer.from([0, 0, 1, 0xbb, 0, 9, 0, 0, 0, 0, 0, 0, 0xe0, 0xc0, 0])),
    ]),
  ),
  "a million start codes": damaged("video/mpeg", () =>
    Buffer.concat([videoStream().subarray(0, 12), repeated(1_000_000, Buffer.from([0, 0, 1, 0xb8]))]),
  ),
  "a thousand large packets of sound": odd("video/mpeg", () =>
    Buffer.concat([packs.mpeg1, repeated(1000, packet(0xc0, "mpeg1", Buffer.alloc(10_000)))]),
  ),
};
