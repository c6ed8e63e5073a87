import { api, type Post } from "./api.ts";
import { showDialog } from "./dialogs.ts";
import { focusTile } from "./focus-tile.ts";
import { createFrame } from "./lightbox-frame.ts";
import { createNavigation } from "./lightbox-navigation.ts";
import { createStage } from "./lightbox-stage.ts";
import { nameOf, postMenu } from "./post-actions.ts";
import { onPostChanges } from "./post-changes.ts";
import { postDetails } from "./post-details.ts";
import { whenProcessed } from "./processing.ts";
import { text } from "./texts/text.ts";
import type { Overlay, OverlayContext } from "./views.ts";

/** Shows a post in full size above the list it belongs to. */
export function postOverlay({ id, list, signal, setTitle, close }: OverlayContext): Overlay {
  let current: Post | undefined;
  /** The next and the previous post, also right after the current one was deleted. */
  let neighbours: readonly (Post | undefined)[] = [];
  const stage = createStage({ swiped: move, changed: (post) => show(post), leave, signal });
  const frame = createFrame(stage, { move, leave });
  const { dialog, previous, next, menu, details } = frame;
  const navigation = createNavigation(list, () => current?.id ?? id);

  function show(post: Post): void {
    const menuHadFocus = menu.contains(document.activeElement);
    const isOther = current?.id !== post.id;
    current = post;
    stage.show(post);
    details.replaceChildren(...postDetails(post));
    if (isOther) details.scrollTop = 0;
    menu.replaceChildren(postMenu(post));
    if (menuHadFocus) menu.querySelector("button")?.focus();
    dialog.setAttribute("aria-label", nameOf(post));
    setTitle(titleOf(post));
    place();
    // The list follows the posts that it has loaded.
    if (isOther && post.processing && !navigation.isListed())
      void whenProcessed(post, signal).then((made) => made && current?.id === made.id && show(made));
  }

  /** Shows where the post is in the list, which may have changed. */
  function place(): void {
    const hadFocus = document.activeElement === previous || document.activeElement === next;
    previous.hidden = !navigation.neighbour(-1);
    next.hidden = !navigation.neighbour(1);
    // A hidden button loses the focus, and with it the keyboard.
    if (hadFocus && (previous.hidden || next.hidden)) dialog.focus();
    if (current) frame.setPosition(navigation.position(), nameOf(current));
    if (navigation.isListed()) neighbours = [navigation.neighbour(1), navigation.neighbour(-1)];
    stage.preload(neighbours);
    navigation.loadAhead();
  }

  function moveTo(post: Post): void {
    history.replaceState(history.state, "", `#/post/${post.id}`);
    show(post);
  }

  function move(step: number): void {
    const other = navigation.neighbour(step);
    if (other) moveTo(other);
  }

  function leave(): void {
    dialog.close();
  }

  async function load(): Promise<void> {
    try {
      const post = await api.post(id);
      if (!signal.aborted) show(post);
    } catch (failure) {
      if (!signal.aborted) stage.explain(failure, load);
    }
  }

  dialog.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if ((event.target as Element).closest("video, [role=menu]")) return;
    if (stage.key(event.key)) return event.preventDefault();
    if (event.key === "ArrowLeft") move(-1);
    if (event.key === "ArrowRight") move(1);
  });
  onPostChanges(
    {
      edited: (post) => post.id === current?.id && show(post),
      deleted(post) {
        if (post.id !== current?.id) return;
        const other = neighbours.find(Boolean);
        if (!other) return leave();
        moveTo(other);
        dialog.focus();
      },
    },
    signal,
  );
  list?.onChange(() => {
    const listed = list.posts.find((post) => post.id === current?.id);
    if (listed && listed !== current) show(listed);
    else place();
  }, signal);
  signal.addEventListener("abort", () => {
    leave();
    stage.end();
    focusTile(list, current?.id);
  });
  void showDialog(dialog, signal).then(close);
  dialog.focus();

  const known = list?.posts.find((post) => post.id === id);
  if (known) show(known);
  else {
    place();
    void load();
  }
  return { title: known ? titleOf(known) : text("photo") };
}

const titleOf = ({ caption, file_type }: Post): string =>
  caption.slice(0, 80) || text(file_type === "video" ? "video" : "photo");
