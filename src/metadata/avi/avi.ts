import type { ByteSource } from "../byte-source.ts";
import { damaged } from "../damaged.ts";
import { chunkAt, chunkHeadBytes, padded, type Chunk } from "./chunks.ts";
import { blankAviHeader, type AviHeader, type AviStream } from "./header.ts";
import { overwriteInIndex, overwriteInSimpleIndex } from "./seek-index.ts";
import { pictureHeadBytes, pictureOverwriter, startCodeCoding } from "../coded-pictures/coded-pictures.ts";
import { dvDisplayRatio, isDv } from "../coded-pictures/dv.ts";
import { searchWindows, type InPlaceFile } from "../in-place-file.ts";
import { Patches, recordableDuration, type Blanking, type MediaFacts } from "../plan.ts";

/** Lists whose chunks are walked like those at the top level. */
const walkedLists = new Set(["RIFF AVI ", "RIFF AVIX", "LIST movi", "LIST rec "]);
/** Data of a stream: its number, then the kind of data (pictures, palette changes, sound, both). */
const streamChunk = /^(\d\d)(d[bc]|iv|pc|wb|__)$/i;
/** Indeo codecs, whose pictures are in `iv` chunks. */
const indeo = /^IV(31|32|41|50)$/i;
/** An index of a stream (OpenDML 1.02). */
const indexChunk = /^ix(\d\d)$/;
/** Chunks that may follow damaged bytes. */
const anyChunk = /\d\d(?:d[bc]|pc|wb|__)|ix\d\d|idx1|LIST|RIFF|JUNK/gi;

/** Chunks that are searched for a picture with its aspect ratio. */
const maxSearchedChunks = 64;

/**
 * Plans the blanking of an AVI (RIFF, OpenDML 1.02): titles, dates, EXIF, XMP, vendor chunks and the data of every
 * stream other than picture and sound become `JUNK` chunks with zeros, so that the index stays valid. Unneeded chunks
 * at the end are cut off, and so is an incomplete chunk of an interrupted recording.
 * @throws ApiError DAMAGED_MEDIA
 */
export async function planAvi(source: ByteSource): Promise<Blanking> {
  const patches = new Patches(source);
  const { header, movie } = await findParts(source);
  const { streams, indexes, declared, seconds }: AviHeader = header
    ? await blankAviHeader(source, patches, header)
    : { streams: [], indexes: [], declared: { width: 0, height: 0 }, seconds: 0 };
  const video = streams.find(({ width, height }) => width > 0 && height > 0);
  const coded = video ?? declared;
  const ratio = video?.pixelRatio ?? (await dvPixelRatio(source, movie, coded));
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
    video: {
      durationSeconds: recordableDuration(streams.find(isVideo)?.seconds ?? 0) ?? recordableDuration(seconds),
      isPlayable: false,
    },
  };
}

const isVideo = ({ type }: AviStream) => type === "vids" || type === "iavs";

const isPalette = (type: string) => /pc$/i.test(type);

/** Whether a stream can have chunks of this kind. */
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
 * Finds the header and the first list of data (`LIST movi`).
 * @throws ApiError DAMAGED_MEDIA
 */
async function findParts(source: ByteSource): Promise<{ header: Chunk | undefined; movie: Chunk }> {
  let header: Chunk | undefined;
  let movie: Chunk | undefined;
  for (let offset = 0; offset + 8 <= source.size && !(header && movie);) {
    source.budget.elements.spend();
    const chunk = chunkAt(await source.readUpTo(offset, chunkHeadBytes), offset);
    if (offset === 0 && chunk?.type !== "RIFF AVI ") throw damaged("no AVI signature");
    if (!chunk) break;
    if (chunk.type === "LIST movi") movie ??= chunk;
    if (chunk.type === "LIST hdrl" && chunk.end <= source.size) header ??= chunk;
    offset = chunk.type.startsWith("RIFF") ? chunk.body : padded(chunk);
  }
  if (!movie) throw damaged("no LIST movi");
  return { header, movie };
}

/** Returns the pixel aspect ratio of DV, whose pictures contain it; 1 for other codecs. */
async function dvPixelRatio(
  source: ByteSource,
  movie: Chunk,
  { width, height }: { readonly width: number; readonly height: number },
): Promise<number> {
  let offset = movie.body;
  for (let count = 0; count < maxSearchedChunks; count++) {
    const chunk = chunkAt(await source.readUpTo(offset, chunkHeadBytes), offset);
    if (!chunk || chunk.end > source.size) break;
    const content = await source.readUpTo(chunk.body, Math.min(chunk.end - chunk.body, 12_000));
    const ratio = isDv(content) ? dvDisplayRatio(content) : undefined;
    if (ratio !== undefined) return (ratio * height) / width;
    offset = walkedLists.has(chunk.type) ? chunk.body : padded(chunk);
  }
  return 1;
}

/** Walks the chunks of a file and blanks everything that players do not need. */
class AviWalk {
  /** The current list of each type. */
  readonly #lists = new Map<string, Chunk>();
  /** End of the last kept chunk. */
  #keptEnd = 0;
  #hasPicture = false;

  constructor(
    private readonly file: InPlaceFile,
    private readonly streams: readonly AviStream[],
    private readonly headerOffset: number | undefined,
  ) {}

  /** @throws ApiError DAMAGED_MEDIA for a video stream without a complete picture */
  run(): void {
    for (let offset = 0; offset + 8 <= this.file.size;) {
      this.file.budget.blocks.spend();
      const chunk = chunkAt(this.file.readUpTo(offset, chunkHeadBytes), offset);
      if (!chunk) break;
      if (walkedLists.has(chunk.type)) {
        this.#lists.set(chunk.type, chunk);
        this.#keptEnd = Math.max(this.#keptEnd, chunk.body);
        offset = chunk.body;
      } else if (!isName(chunk.type) || chunk.end > this.file.size) {
        // An index contains the names of chunks, so the search would find a false one.
        const isIndex = chunk.type === "idx1" || indexChunk.test(chunk.type);
        const next = isIndex ? undefined : this.#findChunk(offset + 1);
        if (next === undefined) break;
        this.#blankDamage(offset, next);
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

  /** Whether a chunk is kept; overwrites what players do not read in it. */
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
      const isOfKeptStream = this.streams[Number(index[1])]?.isKept ?? false;
      if (isOfKeptStream) overwriteInIndex(this.file, chunk);
      return isOfKeptStream;
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
    if (next > end && next <= this.file.size && this.file.readUInt(end, 1) !== 0) this.file.wipe(end, next);
    return true;
  }

  /** Returns the kept stream that a chunk belongs to; undefined for all other chunks. */
  #streamOf(type: string): AviStream | undefined {
    const [, number, kind] = streamChunk.exec(type) ?? [];
    const stream = number === undefined ? undefined : this.streams[Number(number)];
    if (!stream?.isKept || kind === undefined) return undefined;
    return fits(stream, kind.toLowerCase()) ? stream : undefined;
  }

  /** Keeps only the declared colours of a palette change (`AVIPALCHANGE`). */
  #overwriteInPalette({ body, end }: Chunk): void {
    const colours = this.file.readUpTo(body, Math.min(2, end - body))[1] || 256;
    this.file.wipe(Math.min(body + 2, end), Math.min(body + 4, end));
    this.file.wipe(Math.min(body + 4 + 4 * colours, end), end);
  }

  #blank(chunk: Chunk): void {
    this.file.write(chunk.offset, Buffer.from("JUNK", "latin1"));
    this.file.wipe(chunk.offset + 8, Math.min(padded(chunk), this.file.size));
  }

  /** Wipes damaged bytes, and turns them into a chunk if there are enough of them. */
  #blankDamage(offset: number, end: number): void {
    this.file.wipe(offset, end);
    if (end - offset < 8 || (end - offset) % 2 === 1) return;
    const header = Buffer.from("JUNK\0\0\0\0", "latin1");
    header.writeUInt32LE(end - offset - 8, 4);
    this.file.write(offset, header);
  }

  /** Returns the offset of the next plausible chunk after damaged bytes; undefined if there is none. */
  #findChunk(from: number): number | undefined {
    for (const { from: offset, length } of searchWindows(from, this.file.size, chunkHeadBytes - 1)) {
      const text = this.file.read(offset, length).toString("latin1");
      for (const { index } of text.matchAll(anyChunk)) {
        const chunk = chunkAt(this.file.readUpTo(offset + index, chunkHeadBytes), offset + index);
        if (chunk && (walkedLists.has(chunk.type) || chunk.end <= this.file.size)) return chunk.offset;
      }
    }
    return undefined;
  }

  /** Truncates the file after the last kept chunk, and corrects the sizes of the lists around it. */
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

/** Whether a type starts with a valid chunk name. */
const isName = (type: string) => /^[\x20-\x7e]{4}/.test(type);
