import { api } from "./api.ts";
import { authorOf } from "./author.ts";
import { element } from "./element.ts";
import { createPostFeed } from "./post-feed.ts";
import { session } from "./session.ts";
import { text } from "./texts/text.ts";
import type { Uploads } from "./uploads.ts";
import type { View, ViewContext } from "./views.ts";

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
  const title = text(isOwn ? "myPhotos" : "photosBySomeone");
  const heading = element("h1", { textContent: title, dir: "auto" });
  const showName = (name: string) => {
    heading.textContent = name;
    setTitle(text("photosBy", { name }));
  };
  const { content, list, resume } = createPostFeed({
    author: id,
    uploads,
    signal,
    emptyText: text(isOwn ? "ownEmpty" : "authorEmpty"),
    onLoaded([post]) {
      if (isOwn) return;
      if (post) showName(authorOf(post));
      // Without a post, only superusers can find out the name.
      else if (session.account?.is_superuser)
        api.user(id).then(
          ({ name, email }) => showName(name ?? email),
          () => {},
        );
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
