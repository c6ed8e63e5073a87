import { api, type Post } from "./api.ts";
import { attempt } from "./attempt.ts";
import { askToConfirm } from "./dialogs.ts";
import { announceDeleted } from "./post-changes.ts";
import { text } from "./texts/text.ts";

/** Deletes a post once the user has confirmed it, and tells every list. */
export async function deletePost(post: Post): Promise<void> {
  const question = text(post.file_type === "video" ? "deleteVideo" : "deletePhoto");
  if (!(await askToConfirm(question, text("delete")))) return;
  await attempt(async () => {
    await api.deletePost(post.id);
    announceDeleted(post);
    return text("deleted");
  });
}
