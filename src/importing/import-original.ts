import { hasKnownHash } from "../accounts/password-hashing.ts";
import type { FileIndex } from "../database/file-index.ts";
import type { AccountOutcome, ImportedPost } from "../database/imports.ts";
import type { OriginalDatabase, OriginalRow } from "../database/original-database.ts";
import type { User } from "../database/users.ts";
import { imageKitStoreId } from "../storage/imagekit-location.ts";
import type { ListedFile } from "../storage/imagekit-listing.ts";
import type { ImportTarget, PostResult } from "./import-target.ts";
import { nameOfAccount, readAccount } from "./original-account.ts";
import { nameOfPost, readPost } from "./original-post.ts";
import { isRefusal, printable } from "./original-values.ts";

/** Where an import reports what it does. */
export interface ImportOutput {
  /** Names a row that was left out or changed. */
  problem(line: string): void;
  progress(step: string, done: number, total: number): void;
}

export interface ImportOptions {
  /** The only place where files may be; null for every account of ImageKit's own host. */
  readonly urlEndpoint: string | null;
  /** All files of the ImageKit account; undefined if they are not to be looked up. */
  readonly files: FileIndex<ListedFile> | undefined;
  readonly target: ImportTarget;
  readonly output: ImportOutput;
  /** Ends the import after the rows that are being written. */
  readonly signal: AbortSignal;
}

/** What an import has done. It is complete after every page of rows, also if the import fails later. */
export interface ImportSummary {
  readonly accounts: RowCounts;
  readonly posts: RowCounts;
  /** Posts whose file is not in ImageKit. */
  missingFiles: number;
  /** Posts whose caption was changed. */
  changedCaptions: number;
  /** Addresses of the imported superusers, ready to be printed. */
  readonly superusers: string[];
}

/** Numbers of rows, by what became of them. */
export interface RowCounts {
  added: number;
  /** Imported by an earlier run. */
  known: number;
  refused: number;
}

export const newSummary = (): ImportSummary => ({
  accounts: { added: 0, known: 0, refused: 0 },
  posts: { added: 0, known: 0, refused: 0 },
  missingFiles: 0,
  changedCaptions: 0,
  superusers: [],
});

/** An account whose posts are not imported. */
interface AbsentAuthor {
  readonly name: string;
  /** Whether it was imported earlier and deleted since. */
  readonly isDeleted: boolean;
  posts: number;
}

/**
 * The accounts of the file that were read so far. This takes memory for each account, unlike anything for a post.
 * The keys are of addresses, so that an account does not get the posts of another one with the same address.
 */
interface Accounts {
  readonly present: Set<string>;
  readonly absent: Map<string, AbsentAuthor>;
  readonly emailKeys: Set<string>;
}

/**
 * Imports the accounts and then the posts of the original program's database. Rows that cannot be imported are named and
 * left out. Can be repeated at any time; then it imports what is new.
 * @param summary counts what is done; see {@link newSummary}
 * @throws UnusableOriginal, the errors of the target and of the database
 */
export async function importOriginal(
  original: OriginalDatabase,
  options: ImportOptions,
  summary: ImportSummary,
): Promise<void> {
  const accounts: Accounts = { present: new Set(), absent: new Map(), emailKeys: new Set() };
  const total = { accounts: original.countAccounts(), posts: original.countPosts() };
  await eachPage(original.accounts(), options, "accounts read", total.accounts, (rows) =>
    importAccounts(rows, accounts, options, summary),
  );
  await eachPage(original.posts(), options, "posts read", total.posts, (rows) =>
    importPosts(rows, accounts, options, summary),
  );
  for (const { name, posts, isDeleted } of accounts.absent.values())
    if (posts > 0 && !isDeleted) options.output.problem(`${name}: its posts were left out too (${posts})`);
}

/** Pages after which garbage is collected. */
const pagesPerCollection = 2;

async function eachPage(
  pages: Iterable<OriginalRow[]>,
  { output, signal }: ImportOptions,
  step: string,
  total: number,
  use: (rows: OriginalRow[]) => Promise<void>,
): Promise<void> {
  let read = 0;
  let count = 0;
  for (const rows of pages) {
    // Lets signals and timers in, which the synchronous calls of SQLite would keep out.
    await new Promise((resolve) => setImmediate(resolve));
    if (signal.aborted) return;
    await use(rows);
    // Otherwise the garbage of several pages would double the memory of the process.
    if ((count += 1) % pagesPerCollection === 0) Bun.gc(true);
    read += rows.length;
    // The original program may add rows meanwhile.
    output.progress(step, read, Math.max(read, total));
  }
}

/** Why an account is left out, by its outcome. */
const accountProblems = {
  "id taken": "an account that was not imported has its id",
  "address taken": "another account has its address",
} as const satisfies Partial<Record<AccountOutcome, string>>;

async function importAccounts(
  rows: readonly OriginalRow[],
  { present, absent, emailKeys }: Accounts,
  { target, output }: ImportOptions,
  { accounts: counts, superusers }: ImportSummary,
): Promise<void> {
  const now = new Date();
  const users: User[] = [];
  const leaveOut = (name: string, id: string | undefined, problem: string) => {
    output.problem(`${name}: ${problem}`);
    counts.refused++;
    if (id !== undefined) absent.set(id, { name, isDeleted: false, posts: 0 });
  };
  for (const row of rows) {
    const user = readAccount(row, now);
    if (isRefusal(user)) leaveOut(nameOfAccount(row), undefined, user.problem);
    else if (present.has(user.id) || users.some(({ id }) => id === user.id))
      leaveOut(nameOfAccount(row), undefined, "another account of this file has its id");
    else if (emailKeys.has(user.emailKey))
      leaveOut(nameOfAccount(row), user.id, "another account of this file has its address");
    else {
      emailKeys.add(user.emailKey);
      users.push(user);
    }
  }
  const outcomes = await target.accounts(users);
  for (const [i, user] of users.entries()) {
    const name = `account ${printable(user.email)}`;
    const outcome = outcomes[i]!;
    if (outcome === "id taken" || outcome === "address taken") {
      leaveOut(name, user.id, accountProblems[outcome]);
      continue;
    }
    if (outcome === "deleted") absent.set(user.id, { name, isDeleted: true, posts: 0 });
    else present.add(user.id);
    if (outcome !== "new") {
      counts.known++;
      continue;
    }
    counts.added++;
    if (user.isSuperuser) superusers.push(printable(user.email));
    if (!hasKnownHash(user.hashedPassword))
      output.problem(`${name}: no password fits its hash, so its owner must reset the password`);
  }
}

/** Why a post is left out, by its outcome. */
const postProblems = {
  unfinished: "an unfinished copy of it is being deleted; repeat the command later",
  "id taken": "a post that was not imported has its id",
  "no author": "its author's account has been deleted",
} as const;

async function importPosts(
  rows: readonly OriginalRow[],
  { present, absent }: Accounts,
  { target, output, urlEndpoint, files }: ImportOptions,
  summary: ImportSummary,
): Promise<void> {
  const now = new Date();
  const { posts: counts } = summary;
  const leaveOut = (name: string, problem: string) => {
    output.problem(`${name}: ${problem}`);
    counts.refused++;
  };
  const posts: ImportedPost[] = [];
  const changedCaptions = new Set<string>();
  for (const row of rows) {
    const read = readPost(row, urlEndpoint, now);
    if (isRefusal(read)) {
      leaveOut(nameOfPost(row), read.problem);
      continue;
    }
    const { post, path } = read;
    const author = absent.get(post.userId);
    if (author) {
      author.posts++;
      author.isDeleted ? counts.known++ : counts.refused++;
      continue;
    }
    if (!present.has(post.userId)) {
      leaveOut(nameOfPost(row), "its author has no account in this file");
      continue;
    }
    if (read.isCaptionChanged) changedCaptions.add(post.id);
    posts.push(withFile(post, path, files?.find(path)));
  }
  await target.posts(posts, ({ id, bytes }, result) => {
    const name = `post ${id}`;
    count(result, name, counts, leaveOut);
    if (files && bytes === 0 && (result === "new" || result === "known")) {
      summary.missingFiles++;
      output.problem(`${name}: its file is not in ImageKit`);
    }
    if (result === "new" && changedCaptions.has(id)) {
      summary.changedCaptions++;
      output.problem(`${name}: its caption was shortened to what is accepted`);
    }
  });
}

function count(
  result: PostResult,
  name: string,
  counts: RowCounts,
  leaveOut: (name: string, problem: string) => void,
): void {
  if (result === "new") counts.added++;
  else if (result === "known" || result === "deleted") counts.known++;
  else leaveOut(name, typeof result === "object" ? result.problem : postProblems[result]);
}

/** Adds to a post what ImageKit says about its file. */
const withFile = (post: ImportedPost, path: string, file: ListedFile | undefined): ImportedPost =>
  file
    ? {
        ...post,
        storeId: imageKitStoreId({ fileId: file.fileId, path }),
        bytes: file.bytes,
        width: file.width,
        height: file.height,
      }
    : post;
