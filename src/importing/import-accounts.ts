import { hasKnownHash } from "../accounts/password-hashing.ts";
import type { AccountOutcome } from "../database/imports.ts";
import type { OriginalRow } from "../database/original-database.ts";
import type { User } from "../database/users.ts";
import type { ImportOptions } from "./import-options.ts";
import type { ImportSummary } from "./import-summary.ts";
import { nameOfAccount, readAccount } from "./original-account.ts";
import { excerpt, isRefusal } from "./original-values.ts";

/** An account whose posts are not imported. */
interface AbsentAuthor {
  readonly name: string;
  /** Whether it was imported earlier and deleted since. */
  readonly isDeleted: boolean;
  posts: number;
}

/** The accounts of the file that were read so far. Unlike posts, each takes some memory until the import ends. */
export interface ReadAccounts {
  /** Ids of those whose posts are imported. */
  readonly present: Set<string>;
  /** The others, by id. */
  readonly absent: Map<string, AbsentAuthor>;
  /** The unique keys of their addresses. */
  readonly emailKeys: Set<string>;
}

/** Why an account is left out, by its outcome. */
const accountProblems = {
  "id taken": "an account that was not imported has its id",
  "address taken":
    "another account has its address: change that one's address or delete it, and repeat the import",
} as const satisfies Partial<Record<AccountOutcome, string>>;

/** Imports a page of accounts, and names those that are left out. */
export async function importAccounts(
  rows: readonly OriginalRow[],
  { present, absent, emailKeys }: ReadAccounts,
  { target, output }: ImportOptions,
  { accounts: counts, superusers }: ImportSummary,
): Promise<void> {
  const now = new Date();
  const users = new Map<string, User>();
  const leaveOut = (name: string, id: string | undefined, problem: string) => {
    output.problem(`${name}: ${problem}`);
    counts.refused++;
    if (id !== undefined) absent.set(id, { name, isDeleted: false, posts: 0 });
  };
  for (const row of rows) {
    const user = readAccount(row, now);
    if (isRefusal(user)) leaveOut(nameOfAccount(row), undefined, user.problem);
    else if (present.has(user.id) || users.has(user.id))
      leaveOut(nameOfAccount(row), undefined, "another account of this file has its id");
    else if (emailKeys.has(user.emailKey))
      leaveOut(nameOfAccount(row), user.id, "another account of this file has its address");
    else {
      emailKeys.add(user.emailKey);
      users.set(user.id, user);
    }
  }
  const accounts = [...users.values()];
  const outcomes = await target.accounts(accounts);
  for (const [i, user] of accounts.entries()) {
    const name = `account ${excerpt(user.email)}`;
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
    if (user.isSuperuser) superusers.push(excerpt(user.email));
    if (!hasKnownHash(user.hashedPassword))
      output.problem(`${name}: no password matches its hash, so its owner must reset the password`);
  }
}
