import { and, desc, eq, sql } from "drizzle-orm";

import { afterAllIds, type PagePosition } from "../http/page-request.ts";
import type { Connection, Query } from "./connection.ts";
import { newestFirst } from "./newest-first.ts";
import { queryCache } from "./query-cache.ts";
import type { Tables } from "./schema.ts";

/** A published post of an active account, with the author's current name and address. */
export interface PublishedPost {
  id: string;
  userId: string;
  authorName: string | null;
  email: string;
  caption: string;
  alt: string;
  url: string;
  thumbnailUrl: string | null;
  /** Null if the file itself is shown at a large size. */
  displayUrl: string | null;
  /** A thumbhash in base64. */
  placeholder: string | null;
  processing: boolean;
  fileType: "image" | "video";
  fileName: string;
  contentType: string;
  bytes: number;
  width: number | null;
  height: number | null;
  durationSeconds: number | null;
  createdAt: Date;
  editedAt: Date | null;
}

/** Selects a {@link PublishedPost}, in the order of {@link StoredPost}. */
export const publishedPost = ({ posts, users }: Tables) => ({
  id: posts.id,
  userId: users.id,
  authorName: users.name,
  email: users.email,
  caption: posts.caption,
  alt: posts.alt,
  url: sql<string>`${posts.url}`,
  thumbnailUrl: posts.thumbnailUrl,
  displayUrl: posts.displayUrl,
  placeholder: posts.placeholder,
  processing: posts.processing,
  fileType: posts.fileType,
  fileName: posts.fileName,
  contentType: posts.contentType,
  bytes: posts.bytes,
  width: posts.width,
  height: posts.height,
  durationSeconds: posts.durationSeconds,
  createdAt: sql<Date>`${posts.createdAt}`.mapWith(posts.createdAt),
  editedAt: posts.editedAt,
});

/**
 * Selects posts and their authors; {@link isVisible} has the condition of the join. A cross join makes SQLite read the
 * posts first (https://www.sqlite.org/optoverview.html#crossjoin). Otherwise it may read a page of the feed by sorting the
 * posts of all authors.
 */
export const selectPosts = (from: Pick<Query, "select">, tables: Tables) =>
  from.select(publishedPost(tables)).from(tables.posts).crossJoin(tables.users);

/** A literal, because with a bound parameter the planner cannot use the partial indexes on published posts. */
export const isPublished = ({ posts }: Tables) => sql`${posts.state} = 'published'`;

/**
 * Joins a post with its author, and selects visible posts: published ones of active accounts. The one rule for the feed,
 * single posts, media and reports.
 */
export const isVisible = (tables: Tables) => {
  const { posts, users } = tables;
  return and(
    isPublished(tables),
    eq(users.id, posts.userId),
    // The case always applies, because every published post has the time. With a condition on the account alone, SQLite
    // would build a Bloom filter over all accounts for each page.
    sql`case when ${posts.createdAt} is not null then ${users.isActive} end`,
  );
};

/** Before the first post of any feed. */
export const feedTop: PagePosition = { createdAt: new Date(Date.UTC(9999, 0)), id: afterAllIds };

type PageValues = PagePosition & { limit: number };
type AuthorPageValues = PageValues & { author: string };

/** The queries for pages of the feed and of one author's posts. Each is one range of an index, without a sort. */
export function pageQueries({ query, tables }: Pick<Connection, "query" | "tables">) {
  const { posts, users } = tables;
  // Row values, so that the whole condition is one range of an index.
  const place = sql`${sql.param(sql.placeholder("createdAt"), posts.createdAt)}, ${sql.placeholder("id")}`;
  const isAuthor = and(eq(users.id, sql.placeholder("author")), users.isActive);
  // No row for a deactivated author, so that none of their posts is read.
  const active = sql`(${query.select({ id: users.id }).from(users).where(isAuthor)})`;
  return {
    everybody: selectPosts(query, tables)
      .where(and(isVisible(tables), sql`(${posts.createdAt}, ${posts.id}) < (${place})`))
      .orderBy(...newestFirst(posts))
      .limit(sql.placeholder("limit")),
    // Equality with the author would let PostgreSQL expect few posts, and sort all of them where there are many.
    ofAuthor: selectPosts(query, tables)
      .where(
        and(
          isAuthor,
          isPublished(tables),
          sql`${posts.userId} >= ${active}`,
          sql`(${posts.userId}, ${posts.createdAt}, ${posts.id}) < (${active}, ${place})`,
        ),
      )
      .orderBy(desc(posts.userId), ...newestFirst(posts))
      .limit(sql.placeholder("limit")),
  };
}

/** A page as drizzle prepares it for SQLite: `values` returns the columns of each row as they are stored. */
interface SqlitePreparedPage {
  values(placeholders: PageValues): StoredPost[];
}

/** The columns of a {@link PublishedPost} in the order in which they are selected. */
type StoredPost = [
  id: string,
  userId: string,
  authorName: string | null,
  email: string,
  caption: string,
  alt: string,
  url: string,
  thumbnailUrl: string | null,
  displayUrl: string | null,
  placeholder: string | null,
  processing: number,
  fileType: "image" | "video",
  fileName: string,
  contentType: string,
  bytes: number,
  width: number | null,
  height: number | null,
  durationSeconds: number | null,
  createdAtMs: number,
  editedAtMs: number | null,
];

/**
 * Converts a stored row. Drizzle's own mapping looks up a decoder for every value, which takes as long as the query:
 * uncached pages would reach 0.63 of the bare baseline (`bun run bench feed`) instead of 0.83.
 */
const toPublishedPost = (row: StoredPost): PublishedPost => ({
  id: row[0],
  userId: row[1],
  authorName: row[2],
  email: row[3],
  caption: row[4],
  alt: row[5],
  url: row[6],
  thumbnailUrl: row[7],
  displayUrl: row[8],
  placeholder: row[9],
  processing: row[10] !== 0,
  fileType: row[11],
  fileName: row[12],
  contentType: row[13],
  bytes: row[14],
  width: row[15],
  height: row[16],
  durationSeconds: row[17],
  createdAt: new Date(row[18]),
  editedAt: row[19] === null ? null : new Date(row[19]),
});

/** Limit on the posts of cached feed pages: about 2 MB, or 30 MB if every post has the longest texts. */
const maxCachedPosts = 2_000;

/** Limit on the posts of cached pages of single authors. */
const maxCachedAuthorPosts = 500;

/** Reads pages of the feed and of one author's posts. Recent pages are cached. */
export function pageReaders(connection: Connection) {
  const { dialect } = connection;
  const pages = pageQueries(connection);
  const feedPage = pages.everybody.prepare("feed_page");
  const authorPage = pages.ofAuthor.prepare("author_page");
  const cachedPage = <Values extends PageValues>(
    page: typeof feedPage,
    maxPosts: number,
    keyOf: (values: Values) => string,
  ) =>
    queryCache<Values, readonly PublishedPost[]>(
      connection,
      // An empty page has a size too.
      { maxSize: maxPosts, sizeCalculation: (found) => found.length + 1 },
      keyOf,
      async (values) =>
        dialect === "pg"
          ? page.execute(values)
          : (page as unknown as SqlitePreparedPage).values(values).map(toPublishedPost),
    );
  const keyOfPage = ({ limit, createdAt, id }: PageValues) => `${limit} ${createdAt.getTime()} ${id}`;
  const cachedFeedPage = cachedPage<PageValues>(feedPage, maxCachedPosts, keyOfPage);
  const cachedAuthorPage = cachedPage<AuthorPageValues>(
    authorPage,
    maxCachedAuthorPosts,
    (values) => `${values.author} ${keyOfPage(values)}`,
  );

  return {
    /** A page of the feed, newest first: at most `limit` posts after `after`. */
    page: (limit: number, after: PagePosition = feedTop): Promise<readonly PublishedPost[]> =>
      cachedFeedPage({ limit, ...after }),

    /** A page of one author's posts, like `page`; empty for an unknown author. */
    pageOf: (
      author: string,
      limit: number,
      after: PagePosition = feedTop,
    ): Promise<readonly PublishedPost[]> => cachedAuthorPage({ author, limit, ...after }),
  };
}
