import { open, type FileHandle } from "node:fs/promises";

const block = 512;
/** Bytes moved at once. */
const chunk = 1024 * 1024;

/** A regular file within an archive. */
export interface Entry {
  readonly name: string;
  readonly size: number;
  /** Its bytes; to be read before the next entry. */
  content(): AsyncGenerator<Uint8Array>;
}

/** An archive that cannot be read. */
export class DamagedArchive extends Error {
  override readonly name = "DamagedArchive";
}

/** Writes a tar archive (POSIX.1-1988 ustar), file by file, in constant memory. */
export class TarWriter {
  constructor(private readonly file: FileHandle) {}

  /** Adds `size` bytes of `source` under a name of at most 100 ASCII characters; gives their SHA-256 in hex. */
  async add(name: string, size: number, source: AsyncIterable<Uint8Array>): Promise<string> {
    await this.file.write(header(name, size));
    const hash = new Bun.CryptoHasher("sha256");
    let written = 0;
    for await (const bytes of source) {
      hash.update(bytes);
      await this.file.write(bytes);
      written += bytes.length;
    }
    if (written !== size) throw new Error(`${name} changed while it was read`);
    await this.file.write(Buffer.alloc(padding(size)));
    return hash.digest("hex");
  }

  /** Ends the archive and sees it on the disk. */
  async finish(): Promise<void> {
    await this.file.write(Buffer.alloc(2 * block));
    await this.file.sync();
  }
}

/** The bytes of a file, piece by piece. */
export async function* bytesOf(
  file: FileHandle,
  from = 0,
  size = Number.POSITIVE_INFINITY,
): AsyncGenerator<Uint8Array> {
  for (let at = from; at < from + size;) {
    const bytes = Buffer.alloc(Math.min(chunk, from + size - at));
    const { bytesRead } = await file.read(bytes, 0, bytes.length, at);
    if (bytesRead === 0) return;
    yield bytes.subarray(0, bytesRead);
    at += bytesRead;
  }
}

/**
 * Reads the entries of the archive at `path` in their order.
 * @throws DamagedArchive for what is no archive, or was cut
 */
export async function* readTar(path: string): AsyncGenerator<Entry> {
  const file = await open(path, "r");
  try {
    yield* readTarEntries(file);
  } finally {
    await file.close();
  }
}

/** The same of an open file, which stays open. */
export async function* readTarEntries(file: FileHandle): AsyncGenerator<Entry> {
  for (let at = 0; ;) {
    const head = Buffer.alloc(block);
    const { bytesRead } = await file.read(head, 0, block, at);
    if (bytesRead === block && head.every((byte) => byte === 0)) return;
    const sum = Number.parseInt(text(head, 148, 8), 8);
    const isHeader = sum === checksum(head) && text(head, 257, 5) === "ustar";
    // Every file of ours begins with a header, and where another one belongs it can only be missing.
    if (!isHeader && (at === 0 || bytesRead === block))
      throw new DamagedArchive(at === 0 ? "it is no tar archive, and so no backup" : damaged);
    if (!isHeader) throw new DamagedArchive(cut);
    const size = binary(head) ? head.readUIntBE(130, 6) : Number.parseInt(text(head, 124, 12), 8);
    if (!Number.isSafeInteger(size) || size < 0) throw new DamagedArchive(damaged);
    const name = text(head, 0, 100);
    // POSIX.1-1988: "0" or NUL is a regular file. A prefix would make the name another one.
    if (!["0", ""].includes(text(head, 156, 1)) || text(head, 345, 155) !== "")
      throw new DamagedArchive(`${printable(name)} in it is nothing that a backup holds`);
    const start = at + block;
    yield { name, size, content: () => bytesOf(file, start, size) };
    at = start + size + padding(size);
  }
}

export const cut = "it ends too early: it was not written or copied completely";
const damaged = "it is damaged: a file in it does not begin where it should";

/** A name from an archive as it may be shown. */
export const printable = (name: string): string => name.replace(/[^\x20-\x7e]/g, "?");

const padding = (size: number) => (block - (size % block)) % block;
const text = (head: Buffer, at: number, length: number) =>
  head.toString("latin1", at, at + length).replace(/[\0 ].*$/s, "");

/** Whether the size is written in base 256, as GNU tar does where octal's 8 GB end. */
const binary = (head: Buffer) => head[124] === 0x80;

/** What stands before a file's bytes. */
export function header(name: string, size: number): Buffer {
  const head = Buffer.alloc(block);
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

/** The sum of all bytes, those of the checksum itself taken for spaces. */
const checksum = (head: Buffer) =>
  head.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 32 : byte), 0);
