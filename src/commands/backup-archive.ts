import { constants } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";

import { CommandError } from "./command-error.ts";

/** First bytes of files that are easily mistaken for a backup, and a hint for each. */
const otherFormats: [magic: number[], hint: string][] = [
  [[0x1f, 0x8b], "is compressed with gzip: decompress it first (gunzip)"],
  [[0x28, 0xb5, 0x2f, 0xfd], "is compressed with zstd: decompress it first (unzstd)"],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], "is compressed with xz: decompress it first (unxz)"],
  [[0x42, 0x5a, 0x68], "is compressed with bzip2: decompress it first (bunzip2)"],
  [[0x04, 0x22, 0x4d, 0x18], "is compressed with lz4: decompress it first (unlz4)"],
  [[0x50, 0x4b, 0x03, 0x04], "is a ZIP archive: extract the backup from it first"],
  [
    [...Buffer.from("SQLite format 3")],
    "is a database, not a backup: copy it into an empty DATA_DIR instead",
  ],
  [[...Buffer.from("age-encryption.org")], "is encrypted with age: decrypt it first"],
];

/** An open archive. */
export interface OpenArchive {
  readonly path: string;
  readonly file: FileHandle;
  /** In bytes. */
  readonly size: number;
}

/**
 * Opens a backup's archive. The caller must close its file.
 * @throws CommandError if the file cannot be read or is obviously something else
 */
export async function openArchive(path: string): Promise<OpenArchive> {
  // O_NONBLOCK, because opening a named pipe would wait for a writer.
  const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);
  const file = await open(path, flags).catch(({ code }: NodeJS.ErrnoException) => {
    throw new CommandError(
      code === "ENOENT" ? `There is no file ${path}.` : `${path} cannot be read (${code}).`,
    );
  });
  try {
    const stats = await file.stat();
    if (stats.isDirectory())
      throw new CommandError(`${path} is a folder. Give the path of the file that the backup command wrote.`);
    if (!stats.isFile())
      throw new CommandError(`${path} is not a regular file. Save the backup to one first.`);
    if (stats.size === 0) throw new CommandError(`${path} is empty.`);
    const first = Buffer.alloc(32);
    await file.read(first, 0, first.length, 0);
    for (const [magic, hint] of otherFormats)
      if (first.subarray(0, magic.length).equals(Buffer.from(magic)))
        throw new CommandError(`${path} ${hint}.`);
    return { path, file, size: stats.size };
  } catch (error) {
    await file.close();
    throw error;
  }
}
