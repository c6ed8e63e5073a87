import type { ByteSource } from "../byte-source.ts";
import { damaged } from "../damaged.ts";
import { chunkAt, chunkHeadBytes, padded, type Chunk } from "./chunks.ts";
import { blankAviHeader, type AviHeader, type AviStream } from "./header.ts";
import { overwriteInIndex, overwriteInSimpleIndex } from "./seek-index.ts";
import { pictureHeadBytes, pictureOverwriter, startCodeCoding } from "../coded-pictures/coded-pictures.ts";
import { dvDisplayRatio, isDv } from "../coded-pictures/dv.ts";
import { searchWindows, type InPlaceFile } from "../in-place-file.ts";
import { Patches, type Blanking, type MediaFacts } from "../plan.ts";

/** Lists whose chunks are walked as if they stood at the top. */
const walked = new Set(["RIFF AVI ", "RIFF AVIX", "LIST movi", "LIST rec "]);
/** Data of a stream: its number, then what it is (pictures, changes of the palette, sound, both). */
const streamChunk = /^(\d\d)(d[bc]|iv|pc|wb|__)$/i;
/** Codecs of Indeo call their pictures so. */
const indeo = /^IV(31|32|41|50)$/i;
/** Index of a stream (OpenDML 1.02). */
const indexChunk = /^ix(\d\d)$/;
/** What may follow a broken place. */
const anyChunk = /\d\d(?:d[bc]|pc|wb|__)|ix\d\d|idx1|LIST|RIFF|JUNK/gi;

/** How many of the first chunks are searched for a picture that tells its shape. */
const maxSearched = 64;

/**
 * Plans the blanking of an AVI (RIFF, OpenDML 1.02): titles, dates, EXIF, XMP, vendors' chunks, and the data of every
 * stream that is neither picture nor sound become `JUNK` full of zeros, so that the index still holds. What nothing
 * needs at the end is cut off, and so is what a recorder that was stopped left unfinished.
 * @throws ApiError DAMAGED_MEDIA
 */
export async function planAvi(source: ByteSource): Promise<Blanking> {
  const patches = new Patches(source);
  const { header, film } = await findParts(source);
  const { streams, indexes, declared }: AviHeader = header
    ? await blankAviHeader(source, patches, header)
    : { streams: [], indexes: [], declared: { width: 0, height: 0 } };
  const video = streams.find(({ width, height }) => width > 0 && height > 0);
  const coded = video ?? declared;
  const ratio = video?.pixelRatio ?? (await dvPixelRatio(source, film, coded));
  return {
    patches,
    passes: [
      (file) => {
        for (const index of indexes) overwriteInIndex(file, index);
        new AviWalk(file, streams, header?.offset).run();
      },
    ],
    orientation: 1,
    ...shownSize(coded, ratio),
    hasPicture: streams.some(isVideo),
  };
}

const isVideo = ({ type }: AviStream) => type === "vids" || type === "iavs";

const isPalette = (type: string) => /pc$/i.test(type);

/** Whether a stream may have chunks of this kind. */
function fits(stream: AviStream, kind: string): boolean {
  if (kind === "wb") return stream.type !== "vids";
  if (kind === "pc") return stream.type === "vids" && stream.bitsPerPixel <= 8;
  if (kind === "iv") return indeo.test(stream.codec);
  return kind === "__" || isVideo(stream);
}

function shownSize(
  { width, height }: { readonly width: number; readonly height: number },
  pixelRatio: number,
): Pick<MediaFacts, "size" | "decodedPixels"> {
  const isKnown = width > 0 && height > 0;
  return {
    size: isKnown ? { width: Math.round(width * pixelRatio), height } : null,
    decodedPixels: isKnown ? width * height : 0,
  };
}

/**
 * The first header, and the first film.
 * @throws ApiError DAMAGED_MEDIA
 */
async function findParts(source: ByteSource): Promise<{ header: Chunk | undefined; film: Chunk }> {
  let header: Chunk | undefined;
  let film: Chunk | undefined;
  for (let offset = 0; offset + 8 <= source.size && !(header && film);) {
    source.budget.elements.spend();
    const chunk = chunkAt(await source.readUpTo(offset, chunkHeadBytes), offset);
    if (offset === 0 && chunk?.type !== "RIFF AVI ") throw damaged("no AVI signature");
    if (!chunk) break;
    if (chunk.type === "LIST movi") film ??= chunk;
    if (chunk.type === "LIST hdrl" && chunk.end <= source.size) header ??= chunk;
    offset = chunk.type.startsWith("RIFF") ? chunk.body : padded(chunk);
  }
  if (!film) throw damaged("no film");
  return { header, film };
}

/** Of DV, whose pictures tell their shape themselves. */
async function dvPixelRatio(
  source: ByteSource,
  film: Chunk,
  { width, height }: { readonly width: number; readonly height: number },
): Promise<number> {
  let offset = film.body;
  for (let count = 0; count < maxSearched; count++) {
    const chunk = chunkAt(await source.readUpTo(offset, chunkHeadBytes), offset);
    if (!chunk || chunk.end > source.size) break;
    const content = await source.readUpTo(chunk.body, Math.min(chunk.end - chunk.body, 12_000));
    const ratio = isDv(content) ? dvDisplayRatio(content) : undefined;
    if (ratio !== undefined) return (ratio * height) / width;
    offset = walked.has(chunk.type) ? chunk.body : padded(chunk);
  }
  return 1;
}

/** Walks the chunks of a file and blanks all that is not needed. */
class AviWalk {
  /** Lists that the walk is in, or was last. */
  readonly #lists = new Map<string, Chunk>();
  /** Where the last chunk that stays ends. */
  #keptEnd = 0;
  #hasPicture = false;

  constructor(
    private readonly file: InPlaceFile,
    private readonly streams: readonly AviStream[],
    private readonly headerOffset: number | undefined,
  ) {}

  /** @throws ApiError DAMAGED_MEDIA for a film with a stream of pictures, but no whole picture */
  run(): void {
    for (let offset = 0; offset + 8 <= this.file.size;) {
      this.file.budget.blocks.spend();
      const chunk = chunkAt(this.file.readUpTo(offset, chunkHeadBytes), offset);
      if (!chunk) break;
      if (walked.has(chunk.type)) {
        this.#lists.set(chunk.type, chunk);
        this.#keptEnd = Math.max(this.#keptEnd, chunk.body);
        offset = chunk.body;
      } else if (!isName(chunk.type) || chunk.end > this.file.size) {
        // The names of chunks stand in an index too.
        const isIndex = chunk.type === "idx1" || indexChunk.test(chunk.type);
        const next = isIndex ? undefined : this.#findChunk(offset + 1);
        if (next === undefined) break;
        this.#blankBroken(offset, next);
        offset = next;
      } else {
        if (this.#isKept(chunk)) this.#keptEnd = Math.min(padded(chunk), this.file.size);
        else this.#blank(chunk);
        offset = padded(chunk);
      }
    }
    if (this.streams.some(isVideo) && !this.#hasPicture) throw damaged("no picture");
    this.#cutEnd();
  }

  /** Whether a chunk stays; overwrites what players do not read inside. */
  #isKept(chunk: Chunk): boolean {
    if (chunk.offset === this.headerOffset) return true;
    if (chunk.type === "idx1") {
      overwriteInSimpleIndex(
        this.file,
        chunk,
        (type) => type === "rec " || this.#streamOf(type) !== undefined,
      );
      return true;
    }
    const index = indexChunk.exec(chunk.type);
    if (index) {
      const isOfKept = this.streams[Number(index[1])]?.isKept ?? false;
      if (isOfKept) overwriteInIndex(this.file, chunk);
      return isOfKept;
    }
    const stream = this.#streamOf(chunk.type);
    if (!stream) return false;
    const { body, end } = chunk;
    if (isPalette(chunk.type)) this.#overwriteInPalette(chunk);
    else if (isVideo(stream) && end > body) {
      this.#hasPicture = true;
      const first = this.file.readUpTo(body, Math.min(pictureHeadBytes, end - body));
      const overwrite = pictureOverwriter(first, startCodeCoding(stream.codec, first), stream.codec);
      overwrite?.(this.file, body, end);
    }
    const next = padded(chunk);
    if (next > end && next <= this.file.size && this.file.read(end, 1).readUInt8(0) !== 0)
      this.file.wipe(end, next);
    return true;
  }

  /** The stream that a chunk belongs to; undefined for one that goes, and for no such chunk. */
  #streamOf(type: string): AviStream | undefined {
    const [, number, kind] = streamChunk.exec(type) ?? [];
    const stream = number === undefined ? undefined : this.streams[Number(number)];
    if (!stream?.isKept || kind === undefined) return undefined;
    return fits(stream, kind.toLowerCase()) ? stream : undefined;
  }

  /** Leaves of a change of the palette the colours that it says it has (`AVIPALCHANGE`). */
  #overwriteInPalette({ body, end }: Chunk): void {
    const colours = this.file.readUpTo(body, Math.min(2, end - body))[1] || 256;
    this.file.wipe(Math.min(body + 2, end), Math.min(body + 4, end));
    this.file.wipe(Math.min(body + 4 + 4 * colours, end), end);
  }

  #blank(chunk: Chunk): void {
    this.file.write(chunk.offset, Buffer.from("JUNK", "latin1"));
    this.file.wipe(chunk.offset + 8, Math.min(padded(chunk), this.file.size));
  }

  /** Zeros a broken place, which becomes a chunk where it is long enough. */
  #blankBroken(offset: number, end: number): void {
    this.file.wipe(offset, end);
    if (end - offset < 8 || (end - offset) % 2 === 1) return;
    const header = Buffer.from("JUNK\0\0\0\0", "latin1");
    header.writeUInt32LE(end - offset - 8, 4);
    this.file.write(offset, header);
  }

  /** Where the next chunk is that fits, behind a broken place; undefined where there is none. */
  #findChunk(from: number): number | undefined {
    for (const { from: offset, length } of searchWindows(from, this.file.size, chunkHeadBytes - 1)) {
      const text = this.file.read(offset, length).toString("latin1");
      for (const { index } of text.matchAll(anyChunk)) {
        const chunk = chunkAt(this.file.readUpTo(offset + index, chunkHeadBytes), offset + index);
        if (chunk && (walked.has(chunk.type) || chunk.end <= this.file.size)) return chunk.offset;
      }
    }
    return undefined;
  }

  /** Cuts off what follows the last chunk that stays, and makes the lists around it end there. */
  #cutEnd(): void {
    this.file.truncate(this.#keptEnd);
    for (const { offset, body, end } of this.#lists.values()) {
      if (end <= this.#keptEnd || body > this.#keptEnd) continue;
      const size = Buffer.alloc(4);
      size.writeUInt32LE(this.#keptEnd - offset - 8);
      this.file.write(offset + 4, size);
    }
  }
}

/** Whether a chunk may have this name. */
const isName = (type: string) => /^[\x20-\x7e]{4}/.test(type);
