import { aliasedTable, and, desc, eq, lt } from "drizzle-orm";

import type { PagePosition } from "../http/page-request.ts";
import { authorize, type Actor } from "./actors.ts";
import { step, type Connection } from "./connection.ts";
import { isVisible, publishedPost, type PublishedPost } from "./published-posts.ts";

/** A report of a post, with the reporter's current name and address. */
export interface Report {
  id: string;
  reason: string;
  createdAt: Date;
  reporter: { id: string; name: string | null; email: string };
  post: PublishedPost;
}

/** Every query about reports. */
export function reportQueries(connection: Connection) {
  const { dialect, query, tables, transaction } = connection;
  const { posts, users, reports } = tables;
  const reporters = aliasedTable(users, "reporters");

  return {
    /**
     * Adds the actor's report of a visible post, in place of an earlier one.
     * @returns false when there is no such post
     * @throws ApiError as {@link authorize} does
     */
    add: (actor: Actor, postId: string, reason: string, now: Date): Promise<boolean> =>
      transaction(function* (tx) {
        yield* authorize(connection, tx, actor);
        const visible = tx
          .select({ id: posts.id })
          .from(posts)
          .crossJoin(users)
          .where(and(eq(posts.id, postId), isVisible(tables)));
        // Locked, so that the post is not deleted before the commit.
        const [post] = yield* step(dialect === "pg" ? visible.for("share", { of: posts }) : visible);
        if (!post) return false;
        const report = { id: Bun.randomUUIDv7("hex", now), reason, createdAt: now };
        yield* step(
          tx
            .insert(reports)
            .values({ ...report, postId, reporterId: actor.userId })
            .onConflictDoUpdate({ target: [reports.postId, reports.reporterId], set: report })
            .returning({ id: reports.id }),
        );
        return true;
      }),

    /** A page of the reports of visible posts, newest first: at most `limit` reports after `after`. */
    page: async (limit: number, after: PagePosition | undefined): Promise<Report[]> =>
      query
        .select({
          id: reports.id,
          reason: reports.reason,
          createdAt: reports.createdAt,
          reporter: { id: reporters.id, name: reporters.name, email: reporters.email },
          post: publishedPost(tables),
        })
        .from(reports)
        // Cross joins keep the reports first, in the order of their ids.
        .crossJoin(posts)
        .crossJoin(users)
        .crossJoin(reporters)
        .where(
          and(
            eq(posts.id, reports.postId),
            eq(reporters.id, reports.reporterId),
            isVisible(tables),
            after && lt(reports.id, after.id),
          ),
        )
        .orderBy(desc(reports.id))
        .limit(limit),

    /**
     * Dismisses a report.
     * @returns the id of its post; undefined when there is no such report
     * @throws ApiError as {@link authorize} does
     */
    remove: (actor: Actor, id: string): Promise<string | undefined> =>
      transaction(function* (tx) {
        yield* authorize(connection, tx, actor);
        const [removed] = yield* step(
          tx.delete(reports).where(eq(reports.id, id)).returning({ postId: reports.postId }),
        );
        return removed?.postId;
      }),
  };
}

export type ReportQueries = ReturnType<typeof reportQueries>;
