import { api, type Post } from "./api.ts";
import { askToConfirm, formDialog, showToCopy } from "./dialogs.ts";
import { menuButton, type MenuEntry } from "./menu.ts";
import { notify } from "./notice.ts";
import { session } from "./session.ts";
import { text } from "./texts/text.ts";
import { maxAltLength, maxCaptionLength, maxReasonLength } from "../../limits.ts";

/** What the menu of a post tells the view that shows it. */
export interface PostMenuEvents {
  changed(post: Post): void;
  deleted(post: Post): void;
}

/** Returns what a post is called in names for screen readers. */
export const nameOf = ({ alt, caption, file_name }: Post): string => alt || caption || file_name;

/** Creates the button "More" of a post with what the user may do with it. */
export const postMenu = (post: Post, events: PostMenuEvents): HTMLElement =>
  menuButton(text("more"), text("moreFor", { name: nameOf(post) }), () => {
    const entries: MenuEntry[] = [
      { label: text("copyLink"), icon: "link", run: () => copyLink(post) },
      { label: text("download"), icon: "download", href: post.url, download: post.file_name },
    ];
    if (post.is_owner) entries.unshift({ label: text("edit"), icon: "edit", run: () => edit(post, events) });
    else entries.push({ label: text("report"), icon: "report", run: () => report(post) });
    if (post.is_owner || session.account?.is_superuser)
      entries.push({
        label: text("delete"),
        icon: "delete",
        isDangerous: true,
        run: () => remove(post, events),
      });
    return entries;
  });

/** The address of a post's large view. */
const addressOf = ({ id }: Post): string => new URL(`#/post/${id}`, location.href).href;

async function copyLink(post: Post): Promise<void> {
  const address = addressOf(post);
  try {
    // Only secure contexts have a clipboard.
    await navigator.clipboard.writeText(address);
    notify(text("linkCopied"));
  } catch {
    await showToCopy(text("copyByHand"), address);
  }
}

async function edit(post: Post, { changed }: PostMenuEvents): Promise<void> {
  await formDialog(text("editPost"), {
    button: text("save"),
    fields: [
      {
        name: "caption",
        label: text("caption"),
        type: "multiline",
        value: post.caption,
        optional: true,
        maxLength: 2 * maxCaptionLength,
      },
      {
        name: "alt",
        label: text("alt"),
        type: "multiline",
        value: post.alt,
        hint: text("altHint"),
        optional: true,
        maxLength: 2 * maxAltLength,
      },
    ],
    async submit({ caption = "", alt = "" }) {
      changed(await api.editPost(post.id, { caption, alt }));
      return text("saved");
    },
  });
}

async function remove(post: Post, { deleted }: PostMenuEvents): Promise<void> {
  const question = text(post.file_type === "video" ? "deleteVideo" : "deletePhoto");
  if (!(await askToConfirm(question, text("delete")))) return;
  try {
    await api.deletePost(post.id);
    deleted(post);
    notify(text("deleted"));
  } catch (failure) {
    notify((failure as Error).message);
  }
}

async function report(post: Post): Promise<void> {
  await formDialog(
    text("reportPost"),
    {
      button: text("report"),
      fields: [
        {
          name: "reason",
          label: text("reportReason"),
          type: "multiline",
          maxLength: 2 * maxReasonLength,
        },
      ],
      async submit({ reason = "" }) {
        await api.reportPost(post.id, reason);
        return text("reported");
      },
    },
    text("reportText"),
  );
}
