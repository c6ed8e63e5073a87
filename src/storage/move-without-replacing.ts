import { closeSync, linkSync, openSync, renameSync, rmSync } from "node:fs";

/**
 * Renames a file within a file system unless the new name is taken. If several callers race for a name, exactly one
 * succeeds. Readers never see a partial file.
 *
 * A hard link does this atomically. FAT, exFAT and many network and FUSE file systems have no hard links: there the
 * function reserves the name with an empty file and then replaces it. Readers may briefly see the empty file, which stays
 * if the process crashes in between.
 * @param link replaces the system call in tests
 * @throws an error with the code EEXIST if the name is taken, or another system error; `from` then still exists
 */
export function moveWithoutReplacing(from: string, to: string, link: typeof linkSync = linkSync): void {
  try {
    link(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") throw error;
    // File systems without hard links report various codes (EPERM, ENOTSUP, ENOSYS, …). An error with another cause occurs again below.
    closeSync(openSync(to, "wx", 0o600));
    try {
      renameSync(from, to);
    } catch (failure) {
      rmSync(to, { force: true });
      throw failure;
    }
    return;
  }
  rmSync(from);
}
