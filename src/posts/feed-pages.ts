import QuickLRU from "quick-lru";

import type { FeedEntry, FeedPosition, PostQueries, PublishedPost } from "../database/posts.ts";
import { writeCursor, type FeedRequest } from "./feed.ts";
import { isOwner, lastingPart } from "./post-read.ts";

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

  /** Entries and, for each, its post's JSON. */
  async function read(
    limit: number,
    after: FeedPosition | undefined,
  ): Promise<readonly [readonly FeedEntry[], string[]]> {
    // Whoever comes from a post that is not known is about to see others that are not: to keep them would push out what
    // many read.
    const far = after !== undefined && !kept.has(after.id);
    if (!far) {
      const entries = await posts.page(limit, after);
      const known = entries.map(({ id }) => kept.get(id));
      if (known.every((json) => json !== undefined)) return [entries, known];
    }
    const whole = await posts.wholePage(limit, after);
    const written = whole.map((post) => JSON.stringify(lastingPart(post, publicUrl)).slice(0, -1));
    if (!far) for (const [i, { id }] of whole.entries()) kept.set(id, written[i]!);
    return [whole, written];
  }

  return async function feedPage({ limit, after }: FeedRequest, viewer: { id: string }): Promise<FeedPage> {
    // One more than asked for tells whether there is a next page.
    const [entries, lasting] = await read(limit + 1, after);
    let json = "";
    for (const [i, entry] of entries.slice(0, limit).entries())
      json += `${i > 0 ? "," : ""}${lasting[i]},"is_owner":${isOwner(entry, viewer)},"email":${JSON.stringify(entry.email)}}`;
    return {
      json: `[${json}]`,
      nextCursor: entries.length > limit ? writeCursor(entries[limit - 1]!) : null,
    };
  };
}
