import { api, type Post } from "./api.ts";
import { authorOf } from "./author.ts";
import { askToConfirm, lightbox } from "./dialogs.ts";
import { element, notify } from "./element.ts";
import { whenProcessed } from "./processing.ts";
import { ago } from "./times.ts";
import { uploadPanel } from "./upload-panel.ts";
import type { Uploads } from "./uploads.ts";

/** The posts of all users, newest first, and the upload panel. */
export function feedView(uploads: Uploads): HTMLElement {
  const posts: Post[] = [];
  const grid = element("ul", { className: "grid" });
  const status = element("p", { className: "status", attributes: { role: "status" } });
  const again = element("button", {
    type: "button",
    className: "again",
    textContent: "Try again",
    hidden: true,
  });
  const end = element("div", { className: "end-mark", attributes: { "aria-hidden": "true" } });
  let cursor: string | null = null;
  let loading = false;
  let complete = false;

  const item = (post: Post) => {
    const shown = postItem(post, () => lightbox(posts, post, load), remove);
    if (post.processing) void replaceWhenProcessed(post, shown);
    return shown;
  };
  const isKnown = (id: string) => posts.some((post) => post.id === id);

  const nearEnd = new IntersectionObserver(
    (entries) => entries.at(-1)?.isIntersecting && void load(),
    // Load early, so that readers rarely reach the end of what is loaded.
    { rootMargin: "600px" },
  );

  /** Appends the next page. After a failure, the button or scrolling back to the end calls it again. */
  async function load(): Promise<void> {
    if (loading || complete) return;
    loading = true;
    again.hidden = true;
    status.textContent = posts.length === 0 ? "Loading…" : "";
    try {
      const page = await api.feed(cursor);
      const fresh = page.posts.filter(({ id }) => !isKnown(id));
      posts.push(...fresh);
      grid.append(...fresh.map(item));
      cursor = page.next_cursor;
      complete = cursor === null;
      showEmptiness();
      // Observe again: an observer reports only changes, so it stays silent while the end mark remains in view.
      nearEnd.disconnect();
      if (!complete) nearEnd.observe(end);
    } catch (failure) {
      status.textContent = (failure as Error).message;
      again.hidden = false;
    } finally {
      loading = false;
    }
  }

  async function replaceWhenProcessed(post: Post, shown: HTMLElement): Promise<void> {
    const processed = await whenProcessed(post, () => shown.isConnected);
    if (!processed) return;
    posts[posts.indexOf(post)] = processed;
    shown.replaceWith(item(processed));
  }

  function showEmptiness(): void {
    status.textContent = posts.length === 0 ? "Nothing here yet. Share the first photo!" : "";
  }

  async function remove(post: Post, shown: HTMLElement): Promise<void> {
    const kind = post.file_type === "video" ? "video" : "photo";
    if (!(await askToConfirm(`Delete this ${kind} for everyone? This can't be undone.`, "Delete"))) return;
    try {
      await api.deletePost(post.id);
      posts.splice(posts.indexOf(post), 1);
      shown.remove();
      notify("Deleted.");
      if (complete) showEmptiness();
    } catch (failure) {
      notify((failure as Error).message);
    }
  }

  uploads.onPublished = (post) => {
    // The post may already have arrived with a page.
    if (isKnown(post.id)) return;
    posts.unshift(post);
    grid.prepend(item(post));
    if (again.hidden) status.textContent = "";
  };
  again.addEventListener("click", load);
  nearEnd.observe(end);
  return element(
    "div",
    {},
    element("h1", { className: "unseen", textContent: "Photos and videos" }),
    uploadPanel(uploads),
    grid,
    status,
    again,
    end,
  );
}

/** Limit for showing a photo itself in place of a missing thumbnail. */
const maxShownPixels = 50_000_000;

/** The picture to show in the list, or words in its place. */
function stillOf(post: Post): { readonly url: string } | { readonly words: string } {
  // An image is its own thumbnail while that is being made, and browsers may be unable to show it.
  const isMade = post.thumbnail_url !== null && !(post.processing && post.thumbnail_url === post.url);
  if (isMade) return { url: post.thumbnail_url! };
  if (post.processing) return { words: "The preview is being made" };
  if (post.file_type === "video") return { words: "Video without a preview" };
  const isHuge = (post.width ?? 0) * (post.height ?? 0) > maxShownPixels;
  return isHuge ? { words: "Too large for a preview" } : { url: post.url };
}

function postItem(
  post: Post,
  show: () => void,
  remove: (post: Post, shown: HTMLElement) => void,
): HTMLElement {
  const alt = post.caption || post.file_name;
  // The size reserves space, so that nothing moves when the picture loads.
  const size = { width: post.width ?? 4, height: post.height ?? 3 };
  const still = stillOf(post);
  const picture =
    "url" in still
      ? element("img", { src: still.url, alt, loading: "lazy", decoding: "async", ...size })
      : element("span", { className: "no-picture", textContent: still.words });
  picture.addEventListener("error", () => picture.classList.add("broken"), { once: true });
  const open = element(
    "button",
    { type: "button", className: "picture", attributes: { "aria-label": `Show: ${alt}` } },
    picture,
    post.file_type === "video" &&
      element("span", { className: "play", textContent: "▶", attributes: { "aria-hidden": "true" } }),
  );
  open.addEventListener("click", show);
  const time = new Date(post.created_at);
  const shown = element(
    "li",
    { className: "post" },
    open,
    post.caption !== "" && element("p", { className: "caption", textContent: post.caption }),
    element(
      "p",
      { className: "meta" },
      element("span", { textContent: post.is_owner ? "You" : authorOf(post) }),
      " · ",
      element("time", { dateTime: post.created_at, title: time.toLocaleString(), textContent: ago(time) }),
    ),
  );
  if (post.is_owner) {
    const button = element("button", {
      type: "button",
      className: "delete",
      textContent: "Delete",
      attributes: { "aria-label": `Delete: ${alt}` },
    });
    button.addEventListener("click", () => remove(post, shown));
    shown.lastElementChild?.append(button);
  }
  return shown;
}
