import { openTemporaryDatabase, writeTemporary } from "./temporary-database.ts";

/** A set of texts. */
export interface SeenTexts {
  /** @returns false if the text was added before. @throws TemporaryFilesError */
  add(text: string): boolean;
  close(): void;
}

/**
 * Creates a set of texts that may be too many for the memory: it keeps their hashes in a temporary database. Among a million
 * texts, two have the same hash with a probability of less than 1 in 10,000.
 */
export function createSeenTexts(): SeenTexts {
  const client = openTemporaryDatabase();
  client.run("pragma journal_mode = off");
  client.run("create table texts (hash integer primary key)");
  client.run("begin");
  const insert = client.query<unknown, [number]>("insert or ignore into texts values (?)");
  return {
    // A number holds integers of 53 bits.
    add(text) {
      const hash = Number(BigInt.asUintN(53, BigInt(Bun.hash(text))));
      return writeTemporary(() => insert.run(hash)).changes > 0;
    },
    close: () => client.close(),
  };
}
