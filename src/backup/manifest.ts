import { Type as t, type Static } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";

import { mediaFolder } from "../data-dir.ts";
import { DamagedArchive, truncated, type Entry, type FileFacts } from "./tar.ts";

// The manifest is the last file of an archive. It has one JSON value per line, so that it is written and read in constant
// memory: first a head, then every archive that is needed too, then every file. Archives of version 0.1.0 had a single
// JSON object in place of it, without other archives.

// Versions and names are printed, so neither may have characters that a terminal obeys.
const version = t.String({
  pattern: "^(?:\\d{1,6}\\.){2}\\d{1,6}(?:-[0-9A-Za-z]{1,20}(?:\\.[0-9A-Za-z]{1,20}){0,3})?$",
});
const size = t.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const sha256 = t.String({ pattern: "^[0-9a-f]{64}$" });

const headLine = t.Object({
  /** The version of the program that made the backup. */
  version,
  made: t.String(),
});
const archiveLine = t.Object({
  /** The archive's file name, without a folder. */
  archive: t.String({
    pattern:
      "^(?!\\.\\.?$)[^/\\\\\\x00-\\x1f\\x7f-\\x9f\\u200b-\\u200f\\u2028-\\u202e\\u2066-\\u2069]{1,255}$",
  }),
  /** The SHA-256 of its manifest, which has the checksums of everything in it. */
  manifest: sha256,
});
const fileLine = t.Object({
  file: t.String({ maxLength: 100 }),
  size,
  sha256,
  /** The number of the archive that holds it, in the order of their lines; without it, the archive at hand. */
  in: t.Optional(t.Integer({ minimum: 0 })),
});
const single = t.Object({
  version,
  made: t.String(),
  files: t.Record(t.String(), t.Object({ size, sha256 })),
});

/** An archive that a later one refers to. */
export type EarlierArchive = Static<typeof archiveLine>;

/** Whether later archives can refer to an archive of this name. */
export const isArchiveName = (name: string): boolean => Value.Check(archiveLine.properties.archive, name);

/** What a manifest says about a file. */
export interface ManifestFile extends FileFacts {
  readonly name: string;
  /** The number of the earlier archive that holds it; null for the archive at hand. */
  readonly archive: number | null;
}

/** A manifest without its files. */
export interface Manifest {
  readonly version: string;
  readonly made: string;
  /** The earlier archives that hold files of this backup. */
  readonly archives: readonly EarlierArchive[];
}

export const manifestName = "manifest.jsonl";
const singleManifestName = "manifest.json";
export const isManifest = (name: string): boolean => name === manifestName || name === singleManifestName;

export const mediaName = (key: string): string => `${mediaFolder}/${key}`;

/** The media key of a file with this name in an archive; undefined when the name is not that of a media file. */
export const mediaKeyOf = (name: string): string | undefined =>
  name.startsWith(`${mediaFolder}/`) ? name.slice(mediaFolder.length + 1) : undefined;

/** Limit on the archives that one refers to, all of which are open during a restore. */
export const maxEarlierArchives = 100;

/** Size limit of a line. */
const maxLineBytes = 4096;

/** The size limit of a manifest of version 0.1.0. Each file has a name of up to 100 characters, a size and a checksum. */
const maxSingleBytes = (fileCount: number): number => 4096 + 512 * fileCount;

/** Writes a manifest. */
export async function* manifestBytes(
  { version, made, archives }: Manifest,
  files: Iterable<ManifestFile>,
): AsyncGenerator<Uint8Array> {
  const line = (value: object) => Buffer.from(`${JSON.stringify(value)}\n`);
  yield line({ version, made });
  for (const { archive, manifest } of archives) yield line({ archive, manifest });
  for (const { name, size, sha256, archive } of files)
    yield line({ file: name, size, sha256, ...(archive === null ? {} : { in: archive }) });
}

/**
 * Reads a manifest.
 * @param fileCount the number of files in the archive
 * @param use is called with each file
 * @returns the rest of it, and its SHA-256
 * @throws DamagedArchive
 */
export async function readManifest(
  entry: Entry,
  fileCount: number,
  use: (file: ManifestFile) => void,
): Promise<Manifest & { sha256: string }> {
  const hash = new Bun.CryptoHasher("sha256");
  async function* content() {
    let read = 0;
    for await (const bytes of entry.content()) {
      hash.update(bytes);
      read += bytes.length;
      yield bytes;
    }
    if (read !== entry.size) throw new DamagedArchive(truncated);
  }
  const manifest = await (entry.name === singleManifestName
    ? readSingle(entry.size, content(), fileCount, use)
    : readLines(content(), use));
  return { ...manifest, sha256: hash.digest("hex") };
}

async function readLines(
  content: AsyncIterable<Uint8Array>,
  use: (file: ManifestFile) => void,
): Promise<Manifest> {
  let head: Static<typeof headLine> | undefined;
  const archives: EarlierArchive[] = [];
  let isInFiles = false;
  for await (const line of linesOf(content)) {
    const value = parse(line);
    if (!head) {
      if (!Value.Check(headLine, value)) throw damaged();
      head = value;
    } else if (Value.Check(fileLine, value)) {
      isInFiles = true;
      const archive = value.in ?? null;
      if (archive !== null && archive >= archives.length) throw damaged();
      use({ name: value.file, size: value.size, sha256: value.sha256, archive });
    } else if (!isInFiles && archives.length < maxEarlierArchives && Value.Check(archiveLine, value))
      archives.push(value);
    else throw damaged();
  }
  if (!head) throw damaged();
  return { ...head, archives };
}

async function readSingle(
  bytes: number,
  content: AsyncIterable<Uint8Array>,
  fileCount: number,
  use: (file: ManifestFile) => void,
): Promise<Manifest> {
  if (bytes > maxSingleBytes(fileCount))
    throw new DamagedArchive("its manifest is larger than its files account for");
  const pieces: Uint8Array[] = [];
  for await (const piece of content) pieces.push(piece);
  const value = parse(Buffer.concat(pieces).toString());
  if (!Value.Check(single, value)) throw damaged();
  for (const [name, { size, sha256 }] of Object.entries(value.files))
    use({ name, size, sha256, archive: null });
  return { version: value.version, made: value.made, archives: [] };
}

/** The lines of a text, all of which end with a line feed. */
async function* linesOf(content: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let rest = Buffer.alloc(0);
  for await (const bytes of content) {
    const text = rest.length > 0 ? Buffer.concat([rest, bytes]) : Buffer.from(bytes);
    let from = 0;
    for (let end = text.indexOf(10, from); end !== -1; end = text.indexOf(10, from)) {
      if (end - from > maxLineBytes) throw damaged();
      yield text.toString("utf8", from, end);
      from = end + 1;
    }
    rest = text.subarray(from);
    if (rest.length > maxLineBytes) throw damaged();
  }
  if (rest.length > 0) throw damaged();
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw damaged();
  }
}

const damaged = () => new DamagedArchive("its manifest is damaged");
