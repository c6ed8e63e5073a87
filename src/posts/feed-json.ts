import type { FeedEntry, PostQueries } from "../database/posts.ts";
import { isOwner, lastingPart } from "./post-read.ts";

/** Posts whose JSON is kept, about half a kilobyte each; the first known go first. */
const capacity = 20_000;

/**
 * Writes feed pages as JSON. A published post never changes but for its author's address, so its JSON is made once and
 * kept: a page then costs one narrow query and the joining of strings, a third less than reading and writing every
 * field of every post each time.
 */
export function createFeedJson(posts: Pick<PostQueries, "byIds">, publicUrl: string) {
  /** By id: the post's JSON up to what depends on the moment and the viewer. */
  const kept = new Map<string, string>();

  async function read(ids: string[]): Promise<Map<string, string>> {
    const fresh = new Map<string, string>();
    for (const post of await posts.byIds(ids)) {
      const json = JSON.stringify(lastingPart(post, publicUrl)).slice(0, -1);
      fresh.set(post.id, json);
      kept.set(post.id, json);
    }
    for (const first of kept.keys()) {
      if (kept.size <= capacity) break;
      kept.delete(first);
    }
    return fresh;
  }

  /** The posts of a page as a JSON array; what was deleted since the page was read is left out. */
  return async function feedJson(page: FeedEntry[], viewer: { id: string }): Promise<string> {
    const lasting = page.map(({ id }) => kept.get(id));
    const unknown = page.filter((_, i) => lasting[i] === undefined).map(({ id }) => id);
    const fresh = unknown.length > 0 ? await read(unknown) : undefined;
    const written: string[] = [];
    for (const [i, entry] of page.entries()) {
      const json = lasting[i] ?? fresh?.get(entry.id);
      if (json !== undefined)
        written.push(`${json},"is_owner":${isOwner(entry, viewer)},"email":${JSON.stringify(entry.email)}}`);
    }
    return `[${written.join(",")}]`;
  };
}
