import type { PostQueries, PublishedPost } from "../database/posts.ts";
import { writeCursor, type FeedRequest } from "./feed.ts";
import { postRead } from "./post-read.ts";

/**
 * Bytes that the posts of a page may have: with what stands around them less than 1 MB. Two hundred captions of control
 * characters would make 2.6 MB. One post takes far less, so no page is empty.
 */
const maxPageBytes = 999_000;

/** A page of the feed as one viewer sees it. */
export interface FeedPage {
  /** Its posts, a JSON array. */
  readonly json: string;
  /** Cursor of the next page; null on the last one. */
  readonly nextCursor: string | null;
}

/**
 * Reads a page of the feed, newest first, and writes it as JSON. Pages follow (created_at, id), so they cost the same at
 * any depth and neither skip nor repeat posts while others are published. A page ends early where the next post would
 * make it too large.
 * @param baseUrl of the service, for this viewer
 */
export async function feedPage(
  posts: Pick<PostQueries, "page">,
  { limit, after }: FeedRequest,
  viewer: { id: string },
  baseUrl: string,
): Promise<FeedPage> {
  // One more than asked for tells whether there is a next page.
  const found = await posts.page(limit + 1, after);
  let json = "";
  let bytes = 0;
  let last: PublishedPost | undefined;
  for (const post of found.slice(0, limit)) {
    const text = JSON.stringify(postRead(post, viewer, baseUrl));
    bytes += Buffer.byteLength(text) + 1;
    if (last && bytes > maxPageBytes) break;
    json += last ? `,${text}` : text;
    last = post;
  }
  const nextCursor = last && last !== found.at(-1) ? writeCursor(last) : null;
  return { json: `[${json}]`, nextCursor };
}
