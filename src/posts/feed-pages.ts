import type { PostQueries } from "../database/posts.ts";
import type { PublishedPost } from "../database/published-posts.ts";
import type { Problem } from "../errors.ts";
import { canonicalId } from "../http/canonical-id.ts";
import { readPageRequest, writeCursor, type PageRequest } from "../http/page-request.ts";
import type { PostView } from "./post-read.ts";
import type { PageWriter } from "./post-writer.ts";

/** The parameters of `GET /feed`. */
export interface FeedRequest extends PageRequest {
  /** The only author to show; undefined for everybody. */
  author: string | undefined;
}

/**
 * Reads `?author=`, `?limit=` and `?cursor=`.
 * @throws ValidationProblems that names each parameter at fault, worded as pydantic does
 */
export function readFeedRequest(query: { author?: string; limit?: string; cursor?: string }): FeedRequest {
  const author = query.author === undefined ? undefined : canonicalId(query.author);
  const problems: Problem[] =
    author === ""
      ? [{ type: "uuid_parsing", loc: ["query", "author"], msg: "Input should be a valid UUID" }]
      : [];
  return { author, ...readPageRequest(query, problems) };
}

/**
 * The largest size of a page's posts in bytes, so that the response stays below 1 MB: two hundred captions of control
 * characters would make 2.6 MB. A single post is far smaller, so no page is empty.
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
 */
export async function feedPage(
  posts: Pick<PostQueries, "page" | "pageOf">,
  { author, limit, after }: FeedRequest,
  view: PostView,
  writePage: PageWriter,
): Promise<FeedPage> {
  // One extra row shows whether there is a next page.
  const found = await (author === undefined
    ? posts.page(limit + 1, after)
    : posts.pageOf(author, limit + 1, after));
  const write = writePage(found, view);
  let json = "";
  let bytes = 0;
  let last: PublishedPost | undefined;
  for (let i = 0; i < Math.min(found.length, limit); i++) {
    const written = write(i);
    bytes += written.bytes + 1;
    if (last && bytes > maxPageBytes) break;
    json += last ? `,${written.json}` : written.json;
    last = found[i];
  }
  const nextCursor = last && last !== found.at(-1) ? writeCursor(last) : null;
  return { json: `[${json}]`, nextCursor };
}
