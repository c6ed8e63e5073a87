import { element } from "./element.ts";
import type { Post } from "./api.ts";
import { authorOf } from "./author.ts";

/**
 * Shows a modal dialog. The browser keeps the focus inside, closes the dialog on Escape and restores the focus.
 * @returns the dialog's return value once it is closed
 */
function open(dialog: HTMLDialogElement): Promise<string> {
  document.body.append(dialog);
  dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close());
  const closed = new Promise<string>((resolve) =>
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue);
    }),
  );
  dialog.showModal();
  return closed;
}

/** Closes every open dialog without a return value. */
export function closeDialogs(): void {
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
}

/** Asks the user to confirm an action; resolves to whether they did. */
export async function askToConfirm(question: string, yes: string): Promise<boolean> {
  const answer = (value: string, text: string, className: string) =>
    element("button", { type: "submit", value, textContent: text, className });
  const dialog = element(
    "dialog",
    { className: "card", attributes: { "aria-label": question } },
    element("p", { textContent: question }),
    element(
      "form",
      { method: "dialog", className: "row end" },
      answer("no", "Cancel", ""),
      answer("yes", yes, "danger"),
    ),
  );
  return (await open(dialog)) === "yes";
}

/**
 * Shows a post in full size. Arrow keys and buttons switch to its neighbours.
 * @param more called near the end of `posts`, to load more
 */
export async function lightbox(posts: readonly Post[], first: Post, more: () => void): Promise<void> {
  let post = first;
  const stage = element("div", { className: "stage" });
  const caption = element("p", { className: "caption", attributes: { "aria-live": "polite" } });
  const button = (label: string, text: string, className: string, step: () => void) => {
    const created = element("button", {
      type: "button",
      className,
      textContent: text,
      attributes: { "aria-label": label },
    });
    created.addEventListener("click", step);
    return created;
  };
  const dialog = element(
    "dialog",
    { className: "lightbox", attributes: { "aria-label": "Photo" } },
    stage,
    caption,
    button("Previous", "‹", "previous", () => move(-1)),
    button("Next", "›", "next", () => move(1)),
    button("Close", "×", "close", () => dialog.close()),
  );
  function show(): void {
    const alt = post.caption || post.file_name;
    stage.replaceChildren(
      post.file_type === "video"
        ? element("video", {
            src: post.display_url,
            poster: post.thumbnail_url ?? "",
            controls: true,
            autoplay: true,
            attributes: { playsinline: "" },
          })
        : element("img", { src: post.display_url, alt, width: post.width ?? 0, height: post.height ?? 0 }),
    );
    caption.textContent = post.caption ? `${post.caption} — ${authorOf(post)}` : authorOf(post);
    if (posts.indexOf(post) > posts.length - 4) more();
  }
  function move(step: number): void {
    // Look up the index each time, because new posts shift it.
    post = posts[posts.indexOf(post) + step] ?? post;
    show();
  }
  dialog.addEventListener("keydown", ({ key }) => {
    if (key === "ArrowLeft") move(-1);
    if (key === "ArrowRight") move(1);
  });
  show();
  await open(dialog);
}
