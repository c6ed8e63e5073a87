import { existsSync, lstatSync, statSync, type Stats } from "node:fs";
import { dirname, join, relative } from "node:path";

import { CommandError } from "./command.ts";

/** The data folder as a command works in it. */
export interface EnteredFolder {
  /** Its path for everything but SQLite, which needs the whole path. */
  readonly path: string;
  /** Runs what opens a SQLite file by its whole path; must be synchronous. */
  sqlite<T>(open: () => T): T;
  /** Runs what lies outside the data folder with the rights that the command was started with; must be synchronous. */
  outside<T>(work: () => T): T;
}

/**
 * Lets a command that root runs work with the rights of the data folder's owner, the service's user, from here on: no
 * link that this user planted leads to a file that is not theirs, and all that is made belongs to them. Commands of other
 * users, and folders of root's own, are left as they are.
 *
 * A folder that is missing belongs to the owner of the nearest one above it. In a folder of root's that others may write
 * to, the owner of the database counts.
 *
 * The folder may lie where its owner cannot get by its path, as systemd's `DynamicUser` has it (`/var/lib/private`).
 * Its files are reached by paths relative to it then. SQLite resolves every path, so it opens its files as root, after a
 * look for what could lead it elsewhere.
 * @throws CommandError
 */
export function enterDataFolder(dataDir: string): EnteredFolder {
  const asItIs: EnteredFolder = { path: dataDir, sqlite: (open) => open(), outside: (work) => work() };
  if (process.geteuid?.() !== 0) return asItIs;
  const nearest = nearestFolder(dataDir);
  const owner = linkPlanter(dataDir) ?? ownerOf(nearest, dataDir);
  if (owner.uid === 0) return asItIs;

  refuseFilesOfRoot(dataDir, owner);
  const become = (uid: number, gid: number) => {
    // In this order: without root's user id the group could not be changed.
    if (uid === 0) process.seteuid?.(uid);
    process.setegid?.(gid);
    if (uid !== 0) process.seteuid?.(uid);
  };
  const outside = <T>(work: () => T): T => {
    const isRoot = process.geteuid?.() === 0;
    if (!isRoot) become(0, 0);
    try {
      return work();
    } finally {
      if (!isRoot) become(owner.uid, owner.gid);
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
  if (canReach(nearest)) return { path: dataDir, sqlite: (open) => open(), outside };
  outside(() => process.chdir(nearest));
  return {
    path: relative(nearest, dataDir) || ".",
    sqlite: (open) =>
      outside(() => {
        refuseWhatLeadsElsewhere(dataDir);
        return open();
      }),
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

/** Who made a link on the way to the folder, and so decides where it is; undefined where root did, or there is none. */
function linkPlanter(dataDir: string): Owner | undefined {
  let planter: Owner | undefined;
  for (let at = dataDir; at !== dirname(at); at = dirname(at)) {
    const found = lookAt(at);
    if (found?.isSymbolicLink() && found.uid !== 0) planter = found;
  }
  return planter;
}

function ownerOf(nearest: string, dataDir: string): Owner {
  const folder = statSync(nearest);
  if (folder.uid !== 0) return folder;
  const database = lookAt(join(dataDir, "image-sharing.db"));
  return database?.isFile() ? database : folder;
}

/** What root has made in a folder of somebody else's would lock the service out, and this command too. */
function refuseFilesOfRoot(dataDir: string, { uid }: Owner): void {
  for (const name of ["image-sharing.db", "image-sharing.db-wal", "image-sharing.db-shm", "jwt-secret"])
    if (lookAt(join(dataDir, name))?.uid === 0)
      throw new CommandError(
        `${dataDir} belongs to user ${uid}, but ${name} in it to root: give both to the user that the service runs as (chown).`,
      );
}

/** Of a link, the link; undefined where nothing is. */
function lookAt(path: string): Stats | undefined {
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
function refuseWhatLeadsElsewhere(dataDir: string): void {
  const database = join(dataDir, "image-sharing.db");
  const leads = [linkPlanter(database), lookAt(`${database}-journal`)];
  const planter = leads.find((lead) => lead && lead.uid !== 0);
  if (planter)
    throw new CommandError(
      `${database} is a link of user ${planter.uid}, or has a journal beside it, which could lead root to other files. Look at both, and remove them.`,
    );
}
