import { existsSync, lstatSync, statSync, type Stats } from "node:fs";
import { dirname, join, relative } from "node:path";

import { databaseFile, secretFile } from "../data-dir.ts";
import { CommandError } from "./command.ts";

/** The data folder as a command works in it. */
export interface DataFolderAccess {
  /** Its path for everything but SQLite, which needs the whole path. */
  readonly path: string;
  /**
   * Opens a SQLite file by its absolute path, with the rights that needs until `open` has settled. The process must do
   * nothing else meanwhile, because these rights are the whole process's.
   */
  sqlite<T>(open: () => T | Promise<T>): Promise<T>;
  /** Runs synchronous work outside the data folder with the rights that the command was started with. */
  outside<T>(work: () => T): T;
}

/**
 * Makes a command that root runs work with the rights of the data folder's owner, the service's user, from here on. A
 * link that this user planted then leads only to what the user may use anyway, and every file that is made belongs to
 * the user. Nothing changes for other users' commands and for a folder that belongs to root.
 *
 * A missing folder counts as the property of the nearest existing folder's owner. A folder of root's that others may
 * write to counts as the property of the owner of the database in it.
 *
 * The owner may be unable to reach the folder by its path: systemd's `DynamicUser` keeps it below `/var/lib/private`.
 * Then files are reached by relative paths. SQLite resolves every path to an absolute one, so it opens its files as root,
 * after a check for links and journals that could lead it elsewhere.
 * @throws CommandError where root may not take on these rights, or the folder holds what the service cannot use
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
    // In this order: without root's user id the group could not be changed.
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

/** The folder itself, or what is there of the path to it. */
function nearestFolder(dataDir: string): string {
  let nearest = dataDir;
  while (!existsSync(nearest)) nearest = dirname(nearest);
  return nearest;
}

/** The user, other than root, whose link on the way to the folder decides where it is; undefined without such a link. */
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

/** A database or secret of root's in another user's folder locks the service out, and this command too. */
function rejectFilesOfRoot(dataDir: string, { uid }: Owner): void {
  for (const name of [databaseFile, `${databaseFile}-wal`, `${databaseFile}-shm`, secretFile])
    if (lstatIfExists(join(dataDir, name))?.uid === 0)
      throw new CommandError(
        `${dataDir} belongs to user ${uid}, but ${name} in it to root: give both to the user that the service runs as (chown).`,
      );
}

/** Of a link, the link; undefined where nothing is. */
function lstatIfExists(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}

function canReach(folder: string): boolean {
  try {
    // Not `access`, which looks at the real user id.
    statSync(join(folder, "."));
    return true;
  } catch {
    return false;
  }
}

/** A rollback journal may name other files, which SQLite would delete; the service itself leaves none. */
function rejectLinksAndJournals(dataDir: string): void {
  const database = join(dataDir, databaseFile);
  const leads = [linkOwner(database), lstatIfExists(`${database}-journal`)];
  const owner = leads.find((lead) => lead && lead.uid !== 0);
  if (owner)
    throw new CommandError(
      `${database} is a link of user ${owner.uid}, or has a journal beside it, which could lead root to other files. Look at both, and remove them.`,
    );
}
