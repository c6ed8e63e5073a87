import { maxAltLength, maxCaptionLength, maxReasonLength } from "../../limits.ts";
import { api, type Post } from "./api.ts";
import { copyLink } from "./copy-link.ts";
import { deletePost } from "./delete-post.ts";
import { downloadOf } from "./download.ts";
import { formDialog } from "./form-dialog.ts";
import { menuButton, type MenuEntry } from "./menu.ts";
import { announceEdited } from "./post-changes.ts";
import { session } from "./session.ts";
import { text } from "./texts/text.ts";

/** Returns what a post is called in names for screen readers. */
export const nameOf = ({ alt, caption, file_name }: Post): string => alt || caption || file_name;

/** Creates the button "More" of a post with what the user may do with it. */
export const postMenu = (post: Post): HTMLElement =>
  menuButton(text("more"), text("moreFor", { name: nameOf(post) }), () => {
    const entries: MenuEntry[] = [
      { label: text("copyLink"), icon: "link", run: () => copyLink(addressOf(post)) },
      { label: text("download"), icon: "download", link: downloadOf(post) },
    ];
    if (post.is_owner) entries.unshift({ label: text("edit"), icon: "edit", run: () => edit(post) });
    if (post.is_owner || session.account?.is_superuser)
      entries.push({ label: text("delete"), icon: "delete", isDangerous: true, run: () => deletePost(post) });
    if (!post.is_owner) entries.push({ label: text("report"), icon: "report", run: () => report(post) });
    return entries;
  });

/** The address of a post's large view. */
const addressOf = ({ id }: Post): string => new URL(`#/post/${id}`, location.href).href;

async function edit(post: Post): Promise<void> {
  let edited: Post | undefined;
  await formDialog(text("editPost"), {
    button: text("save"),
    fields: [
      {
        name: "caption",
        label: text("caption"),
        type: "multiline",
        value: post.caption,
        optional: true,
        maxCharacters: maxCaptionLength,
      },
      {
        name: "alt",
        label: text("alt"),
        type: "multiline",
        value: post.alt,
        hint: text("altHint"),
        optional: true,
        maxCharacters: maxAltLength,
      },
    ],
    async submit({ caption = "", alt = "" }) {
      edited = await api.editPost(post.id, { caption, alt });
      return text("saved");
    },
  });
  // Only now, because the dialog gives the focus back to the menu, which lists replace.
  if (edited) announceEdited(edited);
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
          maxCharacters: maxReasonLength,
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
