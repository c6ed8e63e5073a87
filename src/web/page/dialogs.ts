import { element } from "./element.ts";
import type { Post } from "./api.ts";

/** A modal <dialog>: the browser keeps the focus in it, closes it on Escape and gives the focus back. */
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

/** Closes every open dialog without an answer. */
export function closeDialogs(): void {
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
}

/** Asks before something that cannot be undone. */
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

/** Shows one post large; arrow keys and buttons lead to its neighbours. */
export async function lightbox(posts: readonly Post[], first: Post, more: () => void): Promise<void> {
  let post = first;
  const stage = element("div", { className: "stage" });
  const caption = element("p", { className: "caption", attributes: { "aria-live": "polite" } });
  const button = (label: string, text: string, className: string, step: () => void) => {
    const made = element("button", {
      type: "button",
      className,
      textContent: text,
      attributes: { "aria-label": label },
    });
    made.addEventListener("click", step);
    return made;
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
        ? element("video", { src: post.url, controls: true, autoplay: true, attributes: { playsinline: "" } })
        : element("img", { src: post.url, alt, width: post.width ?? 0, height: post.height ?? 0 }),
    );
    caption.textContent = post.caption ? `${post.caption} — ${post.email}` : post.email;
    if (posts.indexOf(post) > posts.length - 4) more();
  }
  function move(step: number): void {
    // Look the index up each time: posts shared meanwhile shift it.
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
