import type { ByteSource } from "../byte-source.ts";
import { damaged } from "../damaged.ts";
import { Patches, pictureSize, type Blanking } from "./plan.ts";

const keptAtTop = new Set(["LIST hdrl", "LIST movi", "idx1"]);
const keptInHeader = new Set(["avih", "LIST strl", "LIST odml"]);
const keptInStream = new Set(["strh", "strf", "strd", "indx", "vprp"]);
/** Data for the decoder, unless a camera keeps its EXIF there. */
const cameraData = /^(AVIF|CASI|Zora|unknown)/;

interface Chunk {
  /** For a list with its kind: `LIST movi`. */
  readonly type: string;
  readonly offset: number;
  readonly body: number;
  readonly end: number;
}

/**
 * Plans the blanking of an AVI (RIFF, OpenDML 1.02): titles, dates, EXIF, XMP and vendors' chunks become `JUNK` full
 * of zeros, so that the index still holds.
 * @throws ApiError DAMAGED_MEDIA
 */
export async function planAvi(source: ByteSource): Promise<Blanking> {
  const patches = new Patches(source);
  let size: { width: number; height: number } | null = null;
  let hasPicture = false;
  let hasData = false;
  for (const part of await readChunks(source, 0, source.size)) {
    if (part.type !== "RIFF AVI " && part.type !== "RIFF AVIX") {
      if (part.offset === 0) throw damaged("no AVI signature");
      blankChunk(patches, part);
      continue;
    }
    for (const chunk of await readChunks(source, part.body, part.end)) {
      hasData ||= chunk.type === "LIST movi";
      if (chunk.type === "LIST hdrl") {
        for (const inner of await readChunks(source, chunk.body, chunk.end)) {
          if (!keptInHeader.has(inner.type)) blankChunk(patches, inner);
          if (inner.type === "avih") {
            const header = await source.read(inner.body, 40);
            size = { width: header.readUInt32LE(32), height: header.readUInt32LE(36) };
          }
          if (inner.type === "LIST strl")
            hasPicture = (await blankStream(source, patches, inner)) || hasPicture;
        }
      } else if (!keptAtTop.has(chunk.type)) blankChunk(patches, chunk);
    }
  }
  if (!hasData) throw damaged("no film");
  return { patches, orientation: 1, ...pictureSize(size), hasPicture };
}

/** Returns whether it is a stream of pictures. */
async function blankStream(source: ByteSource, patches: Patches, stream: Chunk): Promise<boolean> {
  let hasPicture = false;
  for (const chunk of await readChunks(source, stream.body, stream.end)) {
    if (chunk.type === "strh")
      hasPicture = /^(vids|iavs)$/.test((await source.read(chunk.body, 4)).toString("latin1"));
    const isCamera =
      chunk.type === "strd" &&
      cameraData.test(
        (await source.readUpTo(chunk.body, Math.min(8, chunk.end - chunk.body))).toString("latin1"),
      );
    if (isCamera || !keptInStream.has(chunk.type)) blankChunk(patches, chunk);
  }
  return hasPicture;
}

async function readChunks(source: ByteSource, from: number, to: number): Promise<Chunk[]> {
  const chunks: Chunk[] = [];
  for (let offset = from; offset + 8 <= to;) {
    source.budget.elements.spend();
    const head = await source.readUpTo(offset, 12);
    const name = head.toString("latin1", 0, 4);
    const isList = name === "LIST" || name === "RIFF";
    const length = head.readUInt32LE(4);
    const type = isList ? `${name} ${head.toString("latin1", 8, 12)}` : name;
    const body = Math.min(offset + (isList ? 12 : 8), to);
    // A recorder that was stopped leaves sizes of zero: what follows is still the film.
    const isOpen = length <= 4 && (name === "RIFF" || type === "LIST movi");
    if (type === "LIST movi" && offset + 8 + length > source.size) throw damaged("cut");
    const end = isOpen ? to : Math.max(body, Math.min(offset + 8 + length, to));
    chunks.push({ type, offset, body, end });
    offset = end + (end % 2);
  }
  return chunks;
}

function blankChunk(patches: Patches, { offset, end }: Chunk): void {
  patches.write(offset, Buffer.from("JUNK", "latin1"));
  patches.wipe(offset + 8, end);
}
