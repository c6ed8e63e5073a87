import type { OriginalDatabase, OriginalRow } from "../database/original-database.ts";
import { importAccounts, type ReadAccounts } from "./import-accounts.ts";
import type { ImportOptions } from "./import-options.ts";
import { importPosts } from "./import-posts.ts";
import type { ImportSummary } from "./import-summary.ts";
import { originalEndpoint } from "./original-endpoint.ts";

/**
 * Imports the accounts and then the posts of the original program's database. Rows that cannot be imported are named and
 * left out. Can be repeated at any time; then it imports what is new.
 * @param summary counts what is done
 * @throws UnusableOriginal, the errors of the target and of the database
 */
export async function importOriginal(
  original: OriginalDatabase,
  options: ImportOptions,
  summary: ImportSummary,
): Promise<void> {
  const accounts: ReadAccounts = { present: new Set(), absent: new Map(), emailKeys: new Set() };
  const total = { accounts: original.countAccounts(), posts: original.countPosts() };
  await eachPage(original.accounts(), options, "accounts read", total.accounts, (rows) =>
    importAccounts(rows, accounts, options, summary),
  );
  const endpoint = originalEndpoint(options.urlEndpoint);
  await eachPage(original.posts(), options, "posts read", total.posts, (rows) =>
    importPosts(rows, accounts, endpoint, options, summary),
  );
  for (const { name, posts, isDeleted } of accounts.absent.values())
    if (posts > 0 && !isDeleted) options.output.problem(`${name}: its posts were left out too (${posts})`);
}

async function eachPage(
  pages: Iterable<OriginalRow[]>,
  { output, signal }: ImportOptions,
  step: string,
  total: number,
  use: (rows: OriginalRow[]) => Promise<void>,
): Promise<void> {
  let read = 0;
  for (const rows of pages) {
    // Lets signals and timers run, which the synchronous calls of SQLite would block.
    await new Promise((resolve) => setImmediate(resolve));
    if (signal.aborted) return;
    await use(rows);
    // Otherwise the garbage of several pages would double the memory of the process.
    Bun.gc(true);
    read += rows.length;
    // The original program may add rows meanwhile.
    output.progress(step, read, Math.max(read, total));
  }
}
