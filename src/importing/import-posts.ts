import type { ImportedPost } from "../database/imports.ts";
import type { OriginalRow } from "../database/original-database.ts";
import { imageKitStoreId } from "../storage/imagekit-location.ts";
import type { ListedFile } from "../storage/imagekit-listing.ts";
import type { ReadAccounts } from "./import-accounts.ts";
import type { ImportOptions } from "./import-options.ts";
import type { ImportSummary, RowCounts } from "./import-summary.ts";
import type { PostResult } from "./import-target.ts";
import type { OriginalEndpoint } from "./original-endpoint.ts";
import { nameOfPost, readPost } from "./original-post.ts";
import { isRefusal } from "./original-values.ts";

/** Why a post is left out, by its outcome. */
const postProblems = {
  unfinished: "an unfinished copy of it is being deleted; repeat the command later",
  "id taken": "a post that was not imported has its id",
  "no author": "its author's account has been deleted",
} as const;

/** Imports a page of posts, and names those that are left out or changed. */
export async function importPosts(
  rows: readonly OriginalRow[],
  { present, absent }: ReadAccounts,
  endpoint: OriginalEndpoint,
  { target, output, files }: ImportOptions,
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
    const read = readPost(row, endpoint, now);
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
