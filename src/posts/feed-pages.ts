import QuickLRU from "quick-lru";

import type { FeedEntry, PostQueries, PublishedPost } from "../database/posts.ts";
import { writeCursor, type FeedRequest } from "./feed.ts";
import { isOwner, lastingPart, postRead } from "./post-read.ts";

/** Posts whose JSON is kept, about half a kilobyte each: so many at least, twice as many at most. */
const capacity = 10_000;

/** A page of the feed as one viewer sees it. */
export interface FeedPage {
  /** Its posts, a JSON array. */
  readonly json: string;
  /** Of the next page; null on the last. */
  readonly nextCursor: string | null;
}

/**
 * Reads pages of the feed, newest first, and writes them as JSON. Pages follow (created_at, id), so they cost the same
 * at any depth and neither skip nor repeat while others post.
 *
 * A published post never changes but for its author's address, so its JSON is made once and kept: a page then costs one
 * narrow query and the joining of strings.
 */
export function createFeedPages(posts: Pick<PostQueries, "page" | "wholePage">, publicUrl: string) {
  /** By id: the post's JSON up to what depends on the moment and the viewer. */
  const kept = new QuickLRU<string, string>({ maxSize: capacity });

  const write = (post: PublishedPost): string => {
    const json = JSON.stringify(lastingPart(post, publicUrl)).slice(0, -1);
    kept.set(post.id, json);
    return json;
  };

  /** Entries and, for each, its post's JSON. */
  async function read({ limit, after }: FeedRequest): Promise<readonly [readonly FeedEntry[], string[]]> {
    const entries = await posts.page(limit, after);
    const known = entries.map(({ id }) => kept.get(id));
    if (known.every((json) => json !== undefined)) return [entries, known];
    const whole = await posts.wholePage(limit, after);
    return [whole, whole.map(write)];
  }

  return async function feedPage({ limit, after }: FeedRequest, viewer: { id: string }): Promise<FeedPage> {
    // One more than asked for tells whether there is a next page.
    const asked = { limit: limit + 1, after };
    const nextAfter = (found: readonly FeedEntry[]) =>
      found.length > limit ? writeCursor(found[limit - 1]!) : null;
    // Whoever comes from a post that is not known is about to see others that are not: to keep them would push out what
    // many read.
    if (after && !kept.has(after.id)) {
      const found = await posts.wholePage(asked.limit, after);
      const shown = found.slice(0, limit).map((post) => postRead(post, viewer, publicUrl));
      return { json: JSON.stringify(shown), nextCursor: nextAfter(found) };
    }
    const [found, lasting] = await read(asked);
    let json = "";
    for (const [i, entry] of found.slice(0, limit).entries())
      json += `${i > 0 ? "," : ""}${lasting[i]},"is_owner":${isOwner(entry, viewer)},"email":${JSON.stringify(entry.email)}}`;
    return { json: `[${json}]`, nextCursor: nextAfter(found) };
  };
}
