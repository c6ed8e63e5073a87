import { api, type Post } from "./api.ts";
import { confirmed, lightbox } from "./dialogs.ts";
import { element, notify } from "./element.ts";
import { ago } from "./times.ts";
import { uploadPanel } from "./upload-panel.ts";

/** The photos of everybody, newest first, and the place to add one's own. */
export function feedView(): HTMLElement {
  const posts: Post[] = [];
  const grid = element("ul", { className: "grid" });
  const status = element("p", { className: "status", attributes: { role: "status" } });
  const again = element("button", { type: "button", textContent: "Try again", hidden: true });
  const end = element("div", { className: "end-mark", attributes: { "aria-hidden": "true" } });
  let cursor: string | null = null;
  let loading = false;
  let complete = false;

  const item = (post: Post) => postItem(post, () => lightbox(posts, posts.indexOf(post), load), remove);

  async function load(): Promise<void> {
    if (loading || complete) return;
    loading = true;
    again.hidden = true;
    if (posts.length === 0) status.textContent = "Loading…";
    try {
      const page = await api.feed(cursor);
      const known = new Set(posts.map(({ id }) => id));
      const fresh = page.posts.filter(({ id }) => !known.has(id));
      posts.push(...fresh);
      grid.append(...fresh.map(item));
      cursor = page.next_cursor;
      complete = cursor === null;
      status.textContent = posts.length === 0 ? "Nothing here yet. Share the first photo!" : "";
    } catch (failure) {
      status.textContent = (failure as Error).message;
      again.hidden = false;
    } finally {
      loading = false;
    }
    // A tall screen may show the end still, and no scrolling will say so again.
    if (again.hidden && end.isConnected && end.getBoundingClientRect().top < innerHeight + 600) void load();
  }

  async function remove(post: Post, shown: HTMLElement): Promise<void> {
    if (!(await confirmed("Delete this for everybody? It cannot be undone.", "Delete"))) return;
    try {
      await api.deletePost(post.id);
      posts.splice(posts.indexOf(post), 1);
      shown.remove();
      notify("Deleted.");
      if (posts.length === 0) status.textContent = "Nothing here yet. Share the first photo!";
    } catch (failure) {
      notify((failure as Error).message);
    }
  }

  const panel = uploadPanel((post) => {
    posts.unshift(post);
    grid.prepend(item(post));
    status.textContent = "";
  });
  again.addEventListener("click", load);
  new IntersectionObserver(([seen]) => seen?.isIntersecting && void load(), { rootMargin: "600px" }).observe(
    end,
  );
  return element(
    "div",
    {},
    element("h1", { className: "unseen", textContent: "Photos and videos" }),
    panel,
    grid,
    status,
    again,
    end,
  );
}

function postItem(
  post: Post,
  show: () => void,
  remove: (post: Post, shown: HTMLElement) => void,
): HTMLElement {
  const alt = post.caption || post.file_name;
  // The place is kept before the picture is there: nothing moves when it comes.
  const size = { width: post.width ?? 4, height: post.height ?? 3 };
  const picture =
    post.thumbnail_url !== null
      ? element("img", { src: post.thumbnail_url, alt, loading: "lazy", decoding: "async", ...size })
      : element("video", {
          src: `${post.url}#t=0.1`,
          muted: true,
          preload: "metadata",
          ...size,
          attributes: { playsinline: "", "aria-label": alt },
        });
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
      element("span", { textContent: post.is_owner ? "You" : post.email }),
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
