import { and, eq, sql } from "drizzle-orm";

import type { Connection } from "./connection.ts";
import { named, prepared } from "./prepared.ts";
import { rememberedUntilCommit } from "./remembered.ts";
import type { Tables } from "./schema.ts";

/** What media delivery has to know about a published post. */
export type DeliveredMedia = Readonly<
  Pick<Tables["posts"]["$inferSelect"], "contentType" | "fileName" | "store">
>;

/** Every query that media delivery needs. The look-up would take half of the time of a small answer. */
export function deliveredMediaQueries(connection: Connection) {
  const { query, tables } = connection;
  const { posts } = tables;
  const select = () =>
    query
      .select(named({ contentType: posts.contentType, fileName: posts.fileName, store: posts.store }))
      .from(posts);
  const published = sql`${posts.state} = 'published'`;
  const byKey = rememberedUntilCommit(
    connection,
    5_000,
    ({ key }: { key: string }) => key,
    prepared<DeliveredMedia>(
      connection,
      "media_by_key",
      select().where(and(eq(posts.key, sql.placeholder("key")), published)),
    ),
  );
  const ofPost = rememberedUntilCommit(
    connection,
    5_000,
    ({ id }: { id: string }) => id,
    prepared<DeliveredMedia>(
      connection,
      "media_of_post",
      select().where(and(eq(posts.id, sql.placeholder("id")), published)),
    ),
  );

  return {
    /** What is kept under this key: a published post's bytes. */
    byKey: async (key: string): Promise<DeliveredMedia | undefined> => (await byKey({ key }))[0],

    /** The same by the post's id, for its thumbnail. */
    ofPost: async (id: string): Promise<DeliveredMedia | undefined> => (await ofPost({ id }))[0],
  };
}

export type DeliveredMediaQueries = ReturnType<typeof deliveredMediaQueries>;
