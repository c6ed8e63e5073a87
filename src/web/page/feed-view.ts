import { authorOf } from "./author.ts";
import { element } from "./element.ts";
import { createPostFeed } from "./post-feed.ts";
import type { View, ViewContext } from "./router.ts";
import { session } from "./session.ts";
import { text } from "./texts/text.ts";
import type { Uploads } from "./uploads.ts";

/** The posts of all users, newest first, and the upload panel. */
export function feedView({ signal }: ViewContext, uploads: Uploads): View {
  const slot = element("div");
  const heading = element("h1", { className: "unseen", textContent: text("feed") });
  const { content, list, resume } = createPostFeed({ uploads, signal, emptyText: text("feedEmpty") });
  return {
    title: text("feed"),
    content: element("div", {}, heading, slot, ...content),
    isKept: true,
    shown() {
      // There is one panel, and another view may have taken it.
      slot.replaceChildren(uploads.panel);
      resume();
    },
    list,
  };
}

/** The posts of one user, newest first. */
export function userView({ id, signal, setTitle }: ViewContext, uploads: Uploads): View {
  const isOwn = id === session.account?.id;
  const title = isOwn ? text("myPhotos") : text("feed");
  const heading = element("h1", { textContent: title, dir: "auto" });
  const { content, list, resume } = createPostFeed({
    author: id,
    uploads,
    signal,
    emptyText: text(isOwn ? "ownEmpty" : "authorEmpty"),
    onLoaded([post]) {
      if (isOwn || !post) return;
      heading.textContent = authorOf(post);
      setTitle(text("photosOf", { name: authorOf(post) }));
    },
  });
  return {
    title,
    content: element("div", {}, heading, ...content),
    isKept: true,
    shown: () => void resume(),
    list,
  };
}
