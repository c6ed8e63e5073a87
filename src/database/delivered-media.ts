import { and, type Column, eq, sql } from "drizzle-orm";

import type { Connection } from "./connection.ts";
import { named, prepared } from "./prepared.ts";
import { rememberedUntilCommit } from "./remembered.ts";
import type { Tables } from "./schema.ts";

/** What media delivery has to know about a published post. */
export type DeliveredMedia = Readonly<
  Pick<
    Tables["posts"]["$inferSelect"],
    "contentType" | "fileName" | "store" | "thumbnailUrl" | "width" | "height"
  >
> & {
  /** When its post was published. */
  readonly createdAt: Date;
};

/** Every query that media delivery needs. The look-up would take half of the time of a small answer. */
export function deliveredMediaQueries(connection: Connection) {
  const { query, tables } = connection;
  const { posts } = tables;
  const deliveredMedia = {
    contentType: posts.contentType,
    fileName: posts.fileName,
    store: posts.store,
    thumbnailUrl: posts.thumbnailUrl,
    width: posts.width,
    height: posts.height,
    createdAt: sql<Date>`${posts.createdAt}`.mapWith(posts.createdAt),
  };
  const findBy = (name: string, column: Column) =>
    rememberedUntilCommit(
      connection,
      5_000,
      ({ value }: { value: string }) => value,
      prepared<DeliveredMedia>(
        connection,
        name,
        query
          .select(named(deliveredMedia))
          .from(posts)
          .where(and(eq(column, sql.placeholder("value")), sql`${posts.state} = 'published'`)),
      ),
    );
  const findByKey = findBy("media_by_key", posts.key);
  const findByPost = findBy("media_of_post", posts.id);

  return {
    /** What is kept under this key: a published post's bytes. */
    byKey: async (key: string): Promise<DeliveredMedia | undefined> => (await findByKey({ value: key }))[0],

    /** The same by the post's id, for its thumbnail. */
    ofPost: async (id: string): Promise<DeliveredMedia | undefined> => (await findByPost({ value: id }))[0],
  };
}

export type DeliveredMediaQueries = ReturnType<typeof deliveredMediaQueries>;
