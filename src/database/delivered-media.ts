import { and, eq, sql } from "drizzle-orm";
import QuickLRU from "quick-lru";

import type { Connection } from "./connection.ts";
import { named, prepared } from "./prepared.ts";
import type { Tables } from "./schema.ts";

/** What media delivery has to know about a published post. */
export type DeliveredMedia = Pick<Tables["posts"]["$inferSelect"], "contentType" | "fileName" | "store">;

/**
 * Looks up what is delivered. What was published never changes until it is deleted, so on SQLite, where this process
 * alone publishes and deletes, it is known by heart until then: the look-up took half of the time of a small answer.
 * On PostgreSQL another node may have deleted it, so it is looked up each time.
 */
export function deliveredMedia(connection: Connection) {
  const { dialect, query, tables } = connection;
  const { posts } = tables;
  const select = () =>
    query
      .select(named({ contentType: posts.contentType, fileName: posts.fileName, store: posts.store }))
      .from(posts);
  const published = sql`${posts.state} = 'published'`;
  const selectByKey = prepared(
    connection,
    "media_by_key",
    select().where(and(eq(posts.key, sql.placeholder("key")), published)),
  );
  const selectByPost = prepared(
    connection,
    "media_of_post",
    select().where(and(eq(posts.id, sql.placeholder("id")), published)),
  );
  /** By key and by id: no string is both. Some 300 bytes each, at most twice as many. */
  const known = new QuickLRU<string, DeliveredMedia>({ maxSize: 10_000 });

  async function find(
    name: string,
    lookUp: () => Promise<DeliveredMedia[]>,
  ): Promise<DeliveredMedia | undefined> {
    const remembered = known.get(name);
    if (remembered) return remembered;
    const [found] = await lookUp();
    if (!found || dialect === "pg") return found;
    known.set(name, found);
    return found;
  }

  return {
    /** What is kept under this key: a published post's bytes. */
    byKey: (key: string) => find(key, () => selectByKey({ key })),

    /** The same by the post's id, for its thumbnail. */
    ofPost: (id: string) => find(id, () => selectByPost({ id })),

    /** To be called once a post is not published any more. */
    forget({ id, key }: { id: string; key: string }): void {
      known.delete(id);
      known.delete(key);
    },

    forgetAll: () => known.clear(),
  };
}

export type DeliveredMediaQueries = ReturnType<typeof deliveredMedia>;
