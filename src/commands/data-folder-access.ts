import { existsSync, lstatSync, statSync, type Stats } from "node:fs";
import { dirname, join, relative } from "node:path";

import { databaseFile, secretFile } from "../data-dir.ts";
import { CommandError } from "./command-error.ts";

/** How a command accesses the data folder. */
export interface DataFolderAccess {
  /** The path for everything except SQLite, which needs the absolute path. */
  readonly path: string;
  /**
   * Opens a SQLite file by its absolute path, with root's rights if that requires them. The rights apply to the whole
   * process until `open` settles, so it must not do anything else meanwhile.
   */
  sqlite<T>(open: () => T | Promise<T>): Promise<T>;
  /** Runs synchronous work outside the data folder with the rights that the command was started with. */
  outside<T>(work: () => T): T;
}

/**
 * When run as root, switches the process to the rights of the data folder's owner, the service's user. A link made by that
 * user then gives access only to files that the user can access anyway, and new files belong to the user. For other users,
 * and for a data folder owned by root, nothing changes.
 *
 * A missing folder counts as owned by the owner of the nearest existing parent. A folder of root's counts as owned by the
 * owner of the database in it.
 *
 * The owner may have no access to the folder's absolute path: systemd's `DynamicUser` keeps it below `/var/lib/private`.
 * Files are then opened by relative paths. SQLite resolves every path to an absolute one, so it opens its files as root,
 * after a check for links and journals that could redirect it.
 * @throws CommandError if root cannot take on the owner's rights, or if the folder holds files that the service cannot use
 */
export function accessDataFolderAsOwner(dataDir: string): DataFolderAccess {
  const unchanged: DataFolderAccess = {
    path: dataDir,
    sqlite: async (open) => open(),
    outside: (work) => work(),
  };
  if (process.geteuid?.() !== 0) return unchanged;
  const nearest = nearestFolder(dataDir);
  const owner = linkOwner(dataDir) ?? ownerOf(nearest, dataDir);
  if (owner.uid === 0) return unchanged;

  rejectFilesOfRoot(dataDir, owner);
  const become = (uid: number, gid: number) => {
    // The order matters: changing the group needs root's user id.
    if (uid === 0) process.seteuid?.(uid);
    process.setegid?.(gid);
    if (uid !== 0) process.seteuid?.(uid);
  };
  /** @returns a function that takes on the owner's rights again */
  const becomeRoot = (): (() => void) => {
    if (process.geteuid?.() === 0) return () => {};
    become(0, 0);
    return () => become(owner.uid, owner.gid);
  };
  const outside = <T>(work: () => T): T => {
    const leave = becomeRoot();
    try {
      return work();
    } finally {
      leave();
    }
  };
  try {
    process.setgroups?.([]);
    become(owner.uid, owner.gid);
  } catch (error) {
    throw new CommandError(
      `${dataDir} belongs to user ${owner.uid}, whose rights root cannot take on here (${(error as NodeJS.ErrnoException).code}). Run the command as that user.`,
    );
  }
  if (canReach(nearest)) return { path: dataDir, sqlite: async (open) => open(), outside };
  outside(() => process.chdir(nearest));
  return {
    path: relative(nearest, dataDir) || ".",
    async sqlite(open) {
      const leave = becomeRoot();
      try {
        rejectLinksAndJournals(dataDir);
        return await open();
      } finally {
        leave();
      }
    },
    outside,
  };
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** The folder itself, or its nearest existing parent. */
function nearestFolder(dataDir: string): string {
  let nearest = dataDir;
  while (!existsSync(nearest)) nearest = dirname(nearest);
  return nearest;
}

/** The owner, other than root, of a symbolic link in the path; undefined without such a link. */
function linkOwner(dataDir: string): Owner | undefined {
  let owner: Owner | undefined;
  for (let at = dataDir; at !== dirname(at); at = dirname(at)) {
    const found = lstatIfExists(at);
    if (found?.isSymbolicLink() && found.uid !== 0) owner = found;
  }
  return owner;
}

function ownerOf(nearest: string, dataDir: string): Owner {
  const folder = statSync(nearest);
  if (folder.uid !== 0) return folder;
  const database = lstatIfExists(join(dataDir, databaseFile));
  return database?.isFile() ? database : folder;
}

/** Neither the service nor this command could open a database or secret owned by root. */
function rejectFilesOfRoot(dataDir: string, { uid }: Owner): void {
  for (const name of [databaseFile, `${databaseFile}-wal`, `${databaseFile}-shm`, secretFile])
    if (lstatIfExists(join(dataDir, name))?.uid === 0)
      throw new CommandError(
        `${dataDir} belongs to user ${uid}, but ${name} in it belongs to root. Give both to the user that the service runs as (chown).`,
      );
}

/** Does not follow a link; undefined if nothing exists at the path. */
function lstatIfExists(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}

function canReach(folder: string): boolean {
  try {
    // Not `access`, which checks the real user id instead of the effective one.
    statSync(join(folder, "."));
    return true;
  } catch {
    return false;
  }
}

/** SQLite deletes files that a rollback journal names. The service itself uses no rollback journal. */
function rejectLinksAndJournals(dataDir: string): void {
  const database = join(dataDir, databaseFile);
  const suspects = [linkOwner(database), lstatIfExists(`${database}-journal`)];
  const owner = suspects.find((suspect) => suspect && suspect.uid !== 0);
  if (owner)
    throw new CommandError(
      `${database} is a link of user ${owner.uid}, or has a journal beside it, which could redirect root to other files. Check both, and remove them.`,
    );
}
