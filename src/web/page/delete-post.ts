import { api, type Post } from "./api.ts";
import { askToConfirm } from "./confirm-dialog.ts";
import type { Failure } from "./failures.ts";
import { notify } from "./notice.ts";
import { announceDeleted } from "./post-changes.ts";
import { text } from "./texts/text.ts";

/** Deletes a post once the user has confirmed it, and tells every list. */
export async function deletePost(post: Post): Promise<void> {
  const question = text(post.file_type === "video" ? "deleteVideo" : "deletePhoto");
  if (!(await askToConfirm(question, text("delete")))) return;
  try {
    await api.deletePost(post.id);
    notify(text("deleted"));
  } catch (failure) {
    notify((failure as Error).message);
    // Another user or tab has deleted it.
    if ((failure as Failure).status !== 404) return;
  }
  announceDeleted(post);
}
