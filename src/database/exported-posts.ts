import { and, eq, inArray, sql } from "drizzle-orm";

import type { PagePosition } from "../http/page-request.ts";
import type { Connection } from "./connection.ts";
import { isAfter, newestFirst } from "./newest-first.ts";
import type { Tables } from "./schema.ts";

/** A post that is or was visible, as an export of its author's account needs it. */
export type ExportedPost = Readonly<
  Pick<
    Tables["posts"]["$inferSelect"],
    | "id"
    | "caption"
    | "alt"
    | "fileType"
    | "fileName"
    | "contentType"
    | "bytes"
    | "width"
    | "height"
    | "durationSeconds"
    | "thumbnailUrl"
    | "displayUrl"
    | "editedAt"
    | "store"
    | "key"
    | "storeId"
  > & { createdAt: Date }
>;

/** Every query of exports. */
export function exportedPostQueries({ query, tables: { posts } }: Connection) {
  const { id, caption, alt, fileType, fileName, contentType, bytes, width, height } = posts;
  const { durationSeconds, thumbnailUrl, displayUrl, editedAt, store, key, storeId } = posts;
  const createdAt = sql<Date>`${posts.createdAt}`.mapWith(posts.createdAt);
  return {
    /** Returns a page of an account's published and hidden posts, newest first. */
    page: async (userId: string, limit: number, after?: PagePosition): Promise<ExportedPost[]> =>
      query
        .select({
          ...{ id, caption, alt, fileType, fileName, contentType, bytes, width, height },
          ...{ durationSeconds, thumbnailUrl, displayUrl, editedAt, store, key, storeId, createdAt },
        })
        .from(posts)
        .where(
          and(
            eq(posts.userId, userId),
            // After a reactivation, posts are hidden for a moment.
            inArray(posts.state, ["published", "hidden"]),
            after && isAfter(posts, after),
          ),
        )
        .orderBy(...newestFirst(posts))
        .limit(limit),
  };
}

export type ExportedPostQueries = ReturnType<typeof exportedPostQueries>;
