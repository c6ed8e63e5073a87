import type { Post } from "./api.ts";
import type { PostList } from "./post-list.ts";
import { text } from "./texts/text.ts";

/** The list loads more once the post is this near to the end of what is loaded. */
const postsAhead = 4;
/** How many pages to load at most in search of a post whose address was opened directly. */
const maxPagesSearched = 4;

/** Finds a post's place and neighbours in a list, which may change at any time. @param id of the current post */
export function createNavigation(list: PostList | undefined, id: () => string) {
  let searched = 0;
  const index = () => list?.posts.findIndex((post) => post.id === id()) ?? -1;
  return {
    isListed: () => index() >= 0,
    neighbour(step: number): Post | undefined {
      const at = index();
      return at < 0 ? undefined : list?.posts[at + step];
    },
    /** "3 of 24", with a plus where the list has more than is loaded; empty for a post that is not in the list. */
    position(): string {
      const at = index();
      if (!list || at < 0) return "";
      const total = `${list.posts.length}${list.isComplete ? "" : "+"}`;
      return text("position", { index: String(at + 1), total });
    },
    loadAhead(): void {
      const at = index();
      if (!list || list.isComplete) return;
      if (at < 0 ? searched++ < maxPagesSearched : at > list.posts.length - postsAhead) list.more();
    },
  };
}
