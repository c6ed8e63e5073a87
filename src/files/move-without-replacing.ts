import { closeSync, linkSync, openSync, renameSync, rmSync } from "node:fs";

/**
 * Moves a file to another name in the same file system, unless that name is taken; of several callers at once one
 * succeeds. Readers never see a part of the file.
 *
 * A hard link does that in one step. FAT, exFAT and many network and FUSE file systems have none: there an empty file
 * takes the name first and is then replaced, so that readers may find it empty for a moment, and for good after a crash
 * at that moment.
 * @param link the system's, unless a test has its own
 * @throws an error with the code EEXIST where the name is taken; other errors of the system. `from` is still there then.
 */
export function moveWithoutReplacing(from: string, to: string, link: typeof linkSync = linkSync): void {
  try {
    link(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") throw error;
    // Systems say in many ways that there are no links (EPERM, ENOTSUP, ENOSYS, …). Any other cause fails here again.
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
