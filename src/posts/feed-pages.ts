import { SizeBoundedCache } from "../caching/size-bounded-cache.ts";
import type { FeedEntry, PostQueries, PublishedPost } from "../database/posts.ts";
import { writeCursor, type FeedRequest } from "./feed.ts";
import { isOwner, lastingPart } from "./post-read.ts";

/** Bytes of memory for the JSON of posts, at two a character: some 16,000 usual posts. Twice as much at most. */
const capacityBytes = 16 * 1024 ** 2;

/**
 * Bytes that the posts of a page may have: with what stands around them less than 1 MB. Two hundred captions of control
 * characters would make 2.6 MB. One post takes far less, so that no page is empty.
 */
const maxPageBytes = 999_000;

/** Posts that the first query reads whole: of the largest captions, about as many as a page has room for. */
const firstBatch = 101;

/** A page of the feed as one viewer sees it. */
export interface FeedPage {
  /** Its posts, a JSON array. */
  readonly json: string;
  /** Of the next page; null on the last. */
  readonly nextCursor: string | null;
}

/** A post's JSON up to what depends on the moment and the viewer, cut where the service's own address belongs. */
interface LastingJson {
  readonly parts: readonly string[];
  /** Without the address. */
  readonly bytes: number;
}

/**
 * Before a path in a field whose name ends in `url`. No text of a user matches, because quotes within a JSON string follow
 * a backslash.
 */
const ownAddress = /(?<="\w*url":")(?=\/)/;

/**
 * Reads pages of the feed, newest first, and writes them as JSON. Pages follow (created_at, id), so they cost the same
 * at any depth and neither skip nor repeat while others post. A page ends early where the next post would make it too
 * large.
 *
 * A published post never changes but for its author's address, so its JSON is made once and kept: a page then costs one
 * narrow query and the joining of strings.
 */
export function createFeedPages(posts: Pick<PostQueries, "page" | "wholePage">) {
  /** By post id. */
  const kept = new SizeBoundedCache<LastingJson>(capacityBytes);

  const write = (post: PublishedPost): LastingJson => {
    const text = JSON.stringify(lastingPart(post, "")).slice(0, -1);
    return { parts: text.split(ownAddress), bytes: Buffer.byteLength(text) };
  };
  const writeAndKeep = (post: PublishedPost): LastingJson => {
    const json = write(post);
    kept.set(post.id, json, 2 * json.parts.join("").length);
    return json;
  };

  /** @param baseUrl of the service, for this viewer */
  return async function feedPage(
    { limit, after }: FeedRequest,
    viewer: { id: string },
    baseUrl: string,
  ): Promise<FeedPage> {
    const page = new PageWriter(limit, viewer, baseUrl);
    // One more than asked for tells whether there is a next page.
    let left = limit + 1;
    let behind = after;
    // An uncached cursor means deep paging; caching those pages would evict the popular ones.
    const isPopular = !after || kept.has(after.id);
    if (isPopular) {
      const entries = await posts.page(left, after);
      let known = 0;
      for (const entry of entries) {
        const json = kept.get(entry.id);
        if (!json) break;
        if (!page.add(entry, json)) return page.end();
        behind = entry;
        known += 1;
      }
      if (known === entries.length) return page.end();
      left -= known;
    }
    // Large captions that the page has no room for are not read: that would double its cost.
    while (left > 0) {
      const batch = Math.min(left, page.likelyRoom());
      const found = await posts.wholePage(batch, behind);
      for (const post of found)
        if (!page.add(post, isPopular ? writeAndKeep(post) : write(post))) return page.end();
      if (found.length < batch) break;
      behind = found.at(-1);
      left -= batch;
    }
    return page.end();
  };
}

/** Joins the JSON of posts until the page is full. */
class PageWriter {
  #json = "";
  #bytes = 0;
  #count = 0;
  #last: FeedEntry | undefined;
  #isFull = false;

  constructor(
    private readonly limit: number,
    private readonly viewer: { id: string },
    private readonly baseUrl: string,
  ) {}

  /** @returns false where the post belongs to the next page */
  add(entry: FeedEntry, lasting: LastingJson): boolean {
    const rest = `,"is_owner":${isOwner(entry, this.viewer)},"email":${JSON.stringify(entry.email)}}`;
    // No character takes more than three bytes for each unit of UTF-16.
    const own = (lasting.parts.length - 1) * this.baseUrl.length;
    const bytes = this.#bytes + lasting.bytes + own + 3 * rest.length + 1;
    this.#isFull = this.#count === this.limit || (this.#count > 0 && bytes > maxPageBytes);
    if (this.#isFull) return false;
    // Adding strings is several times as quick as `join`.
    let json = (this.#count > 0 ? "," : "") + lasting.parts[0];
    for (let i = 1; i < lasting.parts.length; i++) json += this.baseUrl + lasting.parts[i];
    this.#json += json + rest;
    this.#bytes = bytes;
    this.#count += 1;
    this.#last = entry;
    return true;
  }

  /** Posts that are likely to fill the page, and one more to tell that it is full. At least one. */
  likelyRoom(): number {
    if (this.#count === 0) return firstBatch;
    return Math.ceil((maxPageBytes - this.#bytes) / (this.#bytes / this.#count)) + 1;
  }

  end(): FeedPage {
    const nextCursor = this.#isFull && this.#last ? writeCursor(this.#last) : null;
    return { json: `[${this.#json}]`, nextCursor };
  }
}
