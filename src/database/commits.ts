import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  openSync,
  statSync,
  writeSync,
  type Stats,
} from "node:fs";

/**
 * Whether anybody, this process or another, may have committed something since it was last asked; true the first time.
 * Takes some 20 ns.
 */
export type CommitWatch = () => boolean;

/** Of 32 bits each, in the first of two copies of the header, which the file begins with. */
const headerWords = 12;
const headerSize = headerWords * 4;

/** As SQLite opens it: who may write to the folder must not lead root to another file. */
const flags = constants.O_RDWR | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;

/** With another version of the format the header may mean something else. */
const knownFormat = 3_007_000;

/** What this process looks at already, by the identity of the file. */
const opened = new Map<string, WalIndex>();

/**
 * The memory that all connections to a SQLite file in WAL mode share: a file beside it. Looking there spares asking
 * SQLite, whose own answer (`pragma data_version`) takes as long as a look-up.
 *
 * Every commit writes the header anew, with a counter and checksums, and no reader sees the commit before it has: as long
 * as the header is the same, so is what any query finds (https://www.sqlite.org/walformat.html#the_wal_index_header).
 *
 * To be opened before this process opens the database in any way, and never closed: a process that closes a file loses all
 * its locks on it (https://www.sqlite.org/howtocorrupt.html, 2.2). To map a file Bun opens and closes it, and SQLite goes
 * on using its files until the last statement is collected.
 */
export class WalIndex {
  private constructor(
    private readonly path: string,
    private readonly fd: number,
    private readonly header: Uint32Array,
  ) {}

  /** @returns the same one for the same file; undefined where this system shows nobody such memory */
  static open(databasePath: string): WalIndex | undefined {
    const path = `${databasePath}-shm`;
    const known = opened.get(identityOf(statSync(path, { throwIfNoEntry: false })));
    if (known) return known;
    let fd: number | undefined;
    try {
      const { mode } = statSync(databasePath);
      fd = openSync(path, flags, mode);
      const file = fstatSync(fd);
      // As SQLite does: whoever may use the database may use it. Of root's, SQLite itself makes the database's owner's.
      if (file.size === 0) fchmodSync(fd, mode & 0o777);
      // What is not there cannot be mapped; SQLite begins with zeros too. Added, because a length set could cut what another
      // process has written meanwhile.
      if (file.size < headerSize) writeSync(fd, new Uint8Array(headerSize));
      const { buffer } = Bun.mmap(path, { size: headerSize });
      const index = new WalIndex(path, fd, new Uint32Array(buffer, 0, headerWords));
      opened.set(identityOf(file), index);
      return index;
    } catch {
      if (fd !== undefined) closeSync(fd);
      return undefined;
    }
  }

  /**
   * To be asked once SQLite has read from the database.
   * @returns makes watches; undefined where SQLite uses another file: whoever is last to leave removes it
   */
  watches(): (() => CommitWatch) | undefined {
    // No other file gets the number of ours, which stays open.
    const used = identityOf(statSync(this.path, { throwIfNoEntry: false }));
    const isOurs = used === identityOf(fstatSync(this.fd)) && this.header[0] === knownFormat;
    return isOurs ? () => watch(this.header) : undefined;
  }
}

const identityOf = (file: Stats | undefined): string => `${file?.dev}:${file?.ino}`;

function watch(header: Uint32Array): CommitWatch {
  const seen = new Uint32Array(headerWords);
  return () => {
    for (let word = 0; word < headerWords; word++)
      if (header[word] !== seen[word]) {
        seen.set(header);
        return true;
      }
    return false;
  };
}
