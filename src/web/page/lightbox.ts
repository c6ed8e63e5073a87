import { api, type Post } from "./api.ts";
import { authorOf } from "./author.ts";
import { showDialog } from "./dialogs.ts";
import { button, element } from "./element.ts";
import { icon, type IconName } from "./icons.ts";
import { nameOf, postMenu } from "./post-actions.ts";
import type { Overlay, OverlayContext } from "./router.ts";
import { text } from "./texts/text.ts";

/** Shows a post in full size above the list it belongs to. Arrow keys and buttons switch to its neighbours. */
export function postOverlay({ id, list, signal, setTitle, close }: OverlayContext): Overlay {
  let present: Post | undefined;
  const stage = element("div", { className: "stage" });
  const caption = element("p", { className: "caption", dir: "auto", attributes: { "aria-live": "polite" } });
  const menu = element("div", { className: "actions" });
  const control = (label: string, shape: IconName, className: string, onClick: () => void) => {
    const created = button("", onClick, { className, attributes: { "aria-label": label } });
    created.append(icon(shape));
    return created;
  };
  const previous = control(text("previous"), "previous", "previous", () => move(-1));
  const next = control(text("next"), "next", "next", () => move(1));
  const dialog = element(
    "dialog",
    { className: "lightbox", attributes: { "aria-label": text("photo") } },
    stage,
    caption,
    previous,
    next,
    element(
      "div",
      { className: "controls" },
      menu,
      control(text("close"), "close", "close", () => dialog.close()),
    ),
  );

  // Look up the index each time, because new posts shift it.
  const neighbour = (step: number) => {
    const index = list?.posts.findIndex((post) => post.id === present?.id) ?? -1;
    return index < 0 ? undefined : list?.posts[index + step];
  };

  function show(post: Post): void {
    present = post;
    stage.replaceChildren(
      post.file_type === "video"
        ? element("video", {
            src: post.display_url,
            poster: post.thumbnail_url ?? "",
            controls: true,
            autoplay: true,
            attributes: { playsinline: "" },
          })
        : element("img", {
            src: post.display_url,
            alt: nameOf(post),
            width: post.width ?? 0,
            height: post.height ?? 0,
          }),
    );
    caption.textContent = post.caption ? `${post.caption} — ${authorOf(post)}` : authorOf(post);
    menu.replaceChildren(
      postMenu(post, {
        changed(edited) {
          list?.replace(edited);
          show(edited);
        },
        deleted() {
          const other = neighbour(1) ?? neighbour(-1);
          list?.remove(post.id);
          if (other) moveTo(other);
          else dialog.close();
        },
      }),
    );
    previous.hidden = !neighbour(-1);
    next.hidden = !neighbour(1);
    setTitle(titleOf(post));
    if (list && list.posts.findIndex(({ id }) => id === post.id) > list.posts.length - 4) list.more();
  }

  function moveTo(post: Post): void {
    history.replaceState(history.state, "", `#/post/${post.id}`);
    show(post);
  }

  function move(step: number): void {
    const other = neighbour(step);
    if (other) moveTo(other);
  }

  dialog.addEventListener("keydown", ({ key, target }) => {
    if ((target as Element).closest("video, [role=menu]")) return;
    if (key === "ArrowLeft") move(-1);
    if (key === "ArrowRight") move(1);
  });
  signal.addEventListener("abort", () => dialog.close());
  void showDialog(dialog, signal).then(close);

  const known = list?.posts.find((post) => post.id === id);
  if (known) show(known);
  else {
    previous.hidden = next.hidden = true;
    api.post(id).then(
      (post) => !signal.aborted && show(post),
      ({ status, message }: { status?: number; message: string }) => {
        stage.textContent = status === 404 || status === 422 ? text("postGone") : message;
      },
    );
  }
  return { title: known ? titleOf(known) : text("photo") };
}

const titleOf = ({ caption, file_type }: Post): string =>
  caption.slice(0, 80) || text(file_type === "video" ? "video" : "photo");
