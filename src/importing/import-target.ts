import type { Database } from "../database/database.ts";
import type { AccountOutcome, ImportedPost, PostOutcome } from "../database/imports.ts";
import type { SeenTexts } from "../database/seen-texts.ts";
import type { User } from "../database/users.ts";
import { ApiError, apiErrors, ValidationProblems } from "../errors.ts";
import { withReadableSize } from "../readable-size.ts";
import type { PostServices } from "../uploads/upload-services.ts";
import { copyPost, discardUnfinished, DownloadError, type CopyServices } from "./copy-post.ts";
import { refuse, type Refusal } from "./original-values.ts";

/** What happened to a post: its outcome, or why its file could not be copied. */
export type PostResult = PostOutcome | Refusal;

/** Called as soon as the result of a post is known. */
export type PostDone = (post: ImportedPost, result: PostResult) => void;

/** Takes in the accounts and posts of an import. */
export interface ImportTarget {
  /** @returns the outcomes, in the order of the accounts */
  accounts(accounts: readonly User[]): Promise<AccountOutcome[]>;
  posts(posts: readonly ImportedPost[], done: PostDone): Promise<void>;
}

/**
 * A target that only checks.
 * @param database undefined if there is none yet
 */
export const checkingTarget = (database: Database | undefined): ImportTarget => ({
  accounts: async (accounts) => database?.imports.checkAccounts(accounts) ?? accounts.map(() => "new"),
  async posts(posts, done) {
    const outcomes = await database?.imports.checkPosts(posts);
    posts.forEach((post, i) => done(post, outcomes?.[i] ?? "new"));
  },
});

/** A target that adds the posts and leaves their files in ImageKit. */
export function linkingTarget(services: PostServices): ImportTarget {
  const { imports } = services.database;
  return {
    accounts: imports.addAccounts,
    async posts(posts, done) {
      const outcomes = await imports.addPosts(posts);
      for (const [i, post] of posts.entries()) {
        const isFree = outcomes[i] === "unfinished" && (await discardUnfinished(services, post.id));
        done(post, isFree ? (await imports.addPosts([post]))[0]! : outcomes[i]!);
      }
    },
  };
}

/**
 * Leaves out posts that repeat an earlier one: its id, perhaps in another notation, or its file if files stay in ImageKit,
 * because deleting or moving one of two posts would delete the file of the other.
 * @param seen ids and addresses of the earlier posts
 * @param filesStay whether files stay in ImageKit
 */
export const withoutRepeats = (
  target: ImportTarget,
  seen: Pick<SeenTexts, "add">,
  filesStay: boolean,
): ImportTarget => ({
  accounts: target.accounts,
  async posts(posts, done) {
    const remaining: ImportedPost[] = [];
    for (const post of posts)
      if (!seen.add(post.id)) done(post, refuse("another post of this file has its id"));
      else if (filesStay && !seen.add(post.url))
        done(post, refuse("another post of this file has its address"));
      else remaining.push(post);
    await target.posts(remaining, done);
  },
});

/** Files that are copied concurrently. */
const maxCopies = 4;

/** Files in a row that may fail because ImageKit or the store does not respond before the import ends. */
const maxFailuresInARow = 20;

/** ImageKit or the store does not respond, so no further file can be copied. The message has the last failure. */
export class CopyingStopped extends Error {
  override readonly name = "CopyingStopped";
}

/**
 * A target that copies the files of new posts.
 * @param signal aborts running copies; `posts` then rejects with its reason
 */
export function copyingTarget(services: CopyServices, signal: AbortSignal): ImportTarget {
  const { imports } = services.database;
  let failuresInARow = 0;

  async function copy(post: ImportedPost): Promise<PostResult> {
    try {
      const outcome = await copyPost(services, post, signal);
      failuresInARow = 0;
      return outcome;
    } catch (error) {
      signal.throwIfAborted();
      const refusal = refusalOf(error);
      if (!refusal) throw error;
      failuresInARow = isTemporary(error) ? failuresInARow + 1 : 0;
      if (failuresInARow >= maxFailuresInARow) throw new CopyingStopped(refusal.problem);
      return refusal;
    }
  }

  return {
    accounts: imports.addAccounts,
    async posts(posts, done) {
      const outcomes = await imports.checkPosts(posts);
      const remaining = posts.entries();
      const copyRemaining = async () => {
        for (const [i, post] of remaining) {
          signal.throwIfAborted();
          const outcome = outcomes[i]!;
          const isNew =
            outcome === "new" || (outcome === "unfinished" && (await discardUnfinished(services, post.id)));
          done(post, isNew ? await copy(post) : outcome);
        }
      };
      const copies = await Promise.allSettled(Array.from({ length: maxCopies }, copyRemaining));
      const failed = copies.find((copied) => copied.status === "rejected");
      if (failed) throw failed.reason;
    },
  };
}

/** Why a file cannot be copied; undefined for a failure that concerns all files. */
function refusalOf(error: unknown): Refusal | undefined {
  if (error instanceof DownloadError) return refuse(error.message);
  if (error instanceof ValidationProblems) return refuse(error.reasons.join(", "));
  if (!(error instanceof ApiError) || error.code === "STORAGE_FULL" || error.code === "UNAVAILABLE")
    return undefined;
  return refuse(
    `its file cannot be copied (${withReadableSize(error.options.detail ?? apiErrors[error.code].detail)})`,
  );
}

const isTemporary = (error: unknown): boolean =>
  error instanceof DownloadError
    ? error.isTemporary
    : error instanceof ApiError && apiErrors[error.code].status >= 500;
