import { and, type Column, eq, sql } from "drizzle-orm";

import type { Connection } from "./connection.ts";
import { isVisible } from "./published-posts.ts";
import { queryCache } from "./query-cache.ts";
import type { Tables } from "./schema.ts";

/** The facts about a published post that media delivery needs. */
export type DeliveredMedia = Readonly<
  Pick<
    Tables["posts"]["$inferSelect"],
    "contentType" | "fileName" | "store" | "url" | "thumbnailUrl" | "displayUrl" | "width" | "height"
  >
> & {
  /** When its post was published. */
  readonly createdAt: Date;
};

/** Every query of media delivery. They are cached: a query would take half of the time of a small response. */
export function deliveredMediaQueries(connection: Connection) {
  const { query, tables } = connection;
  const { posts, users } = tables;
  const findBy = (name: string, column: Column) => {
    const find = query
      .select({
        contentType: posts.contentType,
        fileName: posts.fileName,
        store: posts.store,
        url: posts.url,
        thumbnailUrl: posts.thumbnailUrl,
        displayUrl: posts.displayUrl,
        width: posts.width,
        height: posts.height,
        createdAt: sql<Date>`${posts.createdAt}`.mapWith(posts.createdAt),
      })
      .from(posts)
      .crossJoin(users)
      .where(and(eq(column, sql.placeholder("value")), isVisible(tables)))
      .prepare(name);
    return queryCache(
      connection,
      { max: 5_000 },
      (value: string) => value,
      async (value): Promise<readonly DeliveredMedia[]> => find.execute({ value }),
    );
  };
  const findByKey = findBy("media_by_key", posts.key);
  const findByPost = findBy("media_of_post", posts.id);

  return {
    /** The media stored under this key; undefined unless its post is visible. */
    byKey: async (key: string): Promise<DeliveredMedia | undefined> => (await findByKey(key))[0],

    /** The media of a post, for its renditions; undefined unless the post is visible. */
    ofPost: async (id: string): Promise<DeliveredMedia | undefined> => (await findByPost(id))[0],
  };
}

export type DeliveredMediaQueries = ReturnType<typeof deliveredMediaQueries>;
