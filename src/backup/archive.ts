import { constants } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";

import { CommandError } from "../commands/command.ts";

/** How files begin that are taken for a backup by mistake, and what to do with them. */
const mistaken: [begin: number[], what: string][] = [
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

/**
 * Opens the archive of a backup.
 * @returns the file, which the caller closes, and its size in bytes
 * @throws CommandError where it cannot be read, or is plainly something else
 */
export async function openArchive(path: string): Promise<{ file: FileHandle; size: number }> {
  // Opening a named pipe would wait for a writer.
  const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);
  const file = await open(path, flags).catch(({ code }: NodeJS.ErrnoException) => {
    throw new CommandError(
      code === "ENOENT" ? `There is no file ${path}.` : `${path} cannot be read (${code}).`,
    );
  });
  try {
    const found = await file.stat();
    if (found.isDirectory()) throw new CommandError(`${path} is a folder. Give the file that backup made.`);
    if (!found.isFile()) throw new CommandError(`${path} is no regular file. Save the backup to one first.`);
    if (found.size === 0) throw new CommandError(`${path} is empty.`);
    const first = Buffer.alloc(32);
    await file.read(first, 0, first.length, 0);
    for (const [begin, what] of mistaken)
      if (first.subarray(0, begin.length).equals(Buffer.from(begin)))
        throw new CommandError(`${path} ${what}.`);
    return { file, size: found.size };
  } catch (error) {
    await file.close();
    throw error;
  }
}
