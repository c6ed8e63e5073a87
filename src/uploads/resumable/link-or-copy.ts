import { constants, copyFile, link, rm } from "node:fs/promises";

/** Gives a file a second name, in place of another file, or copies it where the file system has no hard links. */
export async function linkOrCopy(from: string, to: string): Promise<void> {
  await rm(to, { force: true });
  try {
    await link(from, to);
  } catch {
    // Such file systems report various codes. An error with another cause occurs again.
    await copyFile(from, to, constants.COPYFILE_FICLONE);
  }
}
