import type { FileHandle } from "node:fs/promises";

import { printable } from "../printable.ts";

/** Tar archives consist of blocks of this size. */
const blockBytes = 512;
/** Size of one read. */
const chunkBytes = 1024 * 1024;

/** A regular file in an archive. */
export interface Entry {
  readonly name: string;
  readonly size: number;
  /** Where its bytes begin in the archive. */
  readonly start: number;
  /** Reads the file's bytes. */
  content(): AsyncGenerator<Uint8Array>;
}

/** The archive is not a valid backup; the message continues "cannot be restored:". */
export class DamagedArchive extends Error {
  override readonly name = "DamagedArchive";
}

/** The size and the SHA-256 of a file, in hex. */
export interface FileFacts {
  readonly size: number;
  readonly sha256: string;
}

/** Writes a tar archive (POSIX.1-1988 ustar), file by file, in constant memory. */
export class TarWriter {
  /** Where the next file begins. */
  #end = 0;

  /** @param file an empty regular file */
  constructor(private readonly file: FileHandle) {}

  /**
   * Adds a file. When the source fails, the archive stays as it was, so that the call can be repeated.
   * @param name at most 100 ASCII characters
   * @param source its length need not be known
   */
  async add(name: string, source: AsyncIterable<Uint8Array>): Promise<FileFacts> {
    const hash = new Bun.CryptoHasher("sha256");
    let size = 0;
    for await (const bytes of source) {
      hash.update(bytes);
      await writeAt(this.file, bytes, this.#end + blockBytes + size);
      size += bytes.length;
    }
    await writeAt(this.file, Buffer.alloc(padding(size)), this.#end + blockBytes + size);
    await writeAt(this.file, header(name, size), this.#end);
    this.#end += blockBytes + size + padding(size);
    return { size, sha256: hash.digest("hex") };
  }

  /** Ends the archive and flushes it to disk. */
  async finish(): Promise<void> {
    await writeAt(this.file, Buffer.alloc(2 * blockBytes), this.#end);
    // A failed attempt at the last file may have written more.
    await this.file.truncate(this.#end + 2 * blockBytes);
    await this.file.sync();
  }
}

/** Writes all bytes at a position of a file. A single write may take only a part of them, such as on a disk that is almost full. */
export async function writeAt(file: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let written = 0; written < bytes.length;)
    written += (await file.write(bytes, written, bytes.length - written, at + written)).bytesWritten;
}

/** Reads a range of a file in chunks; ends early at the end of the file. */
export async function* bytesOf(
  file: FileHandle,
  from = 0,
  size = Number.POSITIVE_INFINITY,
): AsyncGenerator<Uint8Array> {
  for (let at = from; at < from + size;) {
    const bytes = Buffer.alloc(Math.min(chunkBytes, from + size - at));
    const { bytesRead } = await file.read(bytes, 0, bytes.length, at);
    if (bytesRead === 0) return;
    yield bytes.subarray(0, bytesRead);
    at += bytesRead;
  }
}

/**
 * Reads the entries of an archive in order.
 * @throws DamagedArchive if the file is not a tar archive, is truncated or has other entries than regular files
 */
export async function* readTarEntries(file: FileHandle): AsyncGenerator<Entry> {
  for (let at = 0; ;) {
    const head = Buffer.alloc(blockBytes);
    const { bytesRead } = await file.read(head, 0, blockBytes, at);
    if (bytesRead === blockBytes && head.every((byte) => byte === 0)) return;
    const sum = Number.parseInt(text(head, 148, 8), 8);
    const isHeader = sum === checksum(head) && text(head, 257, 5) === "ustar";
    // A complete block that is no header means damage; a short one means that the archive is truncated.
    if (!isHeader && (at === 0 || bytesRead === blockBytes))
      throw new DamagedArchive(at === 0 ? "it is not a tar archive, so not a backup" : damaged);
    if (!isHeader) throw new DamagedArchive(truncated);
    const size = hasBinarySize(head) ? head.readUIntBE(130, 6) : Number.parseInt(text(head, 124, 12), 8);
    if (!Number.isSafeInteger(size) || size < 0) throw new DamagedArchive(damaged);
    const name = text(head, 0, 100);
    // POSIX.1-1988: type "0" or NUL is a regular file. A prefix would be part of the name.
    if (!["0", ""].includes(text(head, 156, 1)) || text(head, 345, 155) !== "")
      throw new DamagedArchive(`${printable(name)} in it does not belong in a backup`);
    const start = at + blockBytes;
    yield { name, size, start, content: () => bytesOf(file, start, size) };
    at = start + size + padding(size);
  }
}

export const truncated = "it ends too early: it was not written or copied completely";
const damaged = "it is damaged: a file in it does not begin where it should";

const padding = (size: number) => (blockBytes - (size % blockBytes)) % blockBytes;
const text = (head: Buffer, at: number, length: number) =>
  head.toString("latin1", at, at + length).replace(/[\0 ].*$/s, "");

/** Whether the size is in base 256, which GNU tar uses for files of 8 GB and more. */
const hasBinarySize = (head: Buffer) => head[124] === 0x80;

/** The header block of a file. */
export function header(name: string, size: number): Buffer {
  const head = Buffer.alloc(blockBytes);
  const octal = (value: number, at: number, digits: number) =>
    head.write(value.toString(8).padStart(digits, "0"), at, "latin1");
  if (name.length > 100) throw new Error(`${name} does not fit into the archive`);
  head.write(name, 0, "latin1");
  octal(0o600, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  if (size < 8 ** 11) octal(size, 124, 11);
  else {
    head[124] = 0x80;
    head.writeUIntBE(size, 130, 6);
  }
  octal(Math.floor(Date.now() / 1000), 136, 11);
  head.write("0", 156, "latin1");
  head.write("ustar\x0000", 257, "latin1");
  octal(checksum(head), 148, 6);
  return head;
}

/** The sum of all bytes of a header, with the checksum field counted as spaces. */
const checksum = (head: Buffer) =>
  head.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 32 : byte), 0);
