import { api, type Post } from "./api.ts";
import { session } from "./session.ts";
import { problemOf, quotaProblem } from "./upload-checks.ts";
import type { UploadItem } from "./upload-item.ts";
import { upload } from "./upload-request.ts";

/**
 * Uploads a file for this account only. All tabs share the session's cookie, so another tab may have signed in to another
 * account without this tab knowing yet.
 * @throws Error with a message for the user if the file cannot be shared; Failure as the service answers; an AbortError if
 * the signal aborts, or if the cookie is another account's, which is then the session's account
 */
export async function publishAs(accountId: string, item: UploadItem, signal: AbortSignal): Promise<Post> {
  const post = await upload(item, () => check(accountId, item.file, signal), signal);
  if (post.user_id === accountId) return post;
  // The cookie changed between the check and the upload.
  const { generation } = session;
  await api.deletePost(post.id).catch(() => {});
  const me = await api.me();
  if (session.generation === generation) session.begin(me);
  throw anotherAccount();
}

async function check(accountId: string, file: File, signal: AbortSignal): Promise<void> {
  const me = await api.meWithUsage();
  signal.throwIfAborted();
  if (me.id !== accountId) {
    session.begin(me);
    throw anotherAccount();
  }
  const problem = (await problemOf(file)) ?? quotaProblem(file, me);
  if (problem) throw new Error(problem);
}

const anotherAccount = () => new DOMException("another account has signed in", "AbortError");
