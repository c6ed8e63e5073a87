import { and, asc, count, eq, gt, inArray, lte, sql } from "drizzle-orm";

import { step, type Connection } from "./connection.ts";
import { mayHaveRenditions, newJobs } from "./rendition-jobs.ts";
import { lockRows } from "./row-locks.ts";
import type { RenditionKind, Tables } from "./schema.ts";

/** The columns that show which renditions a post lacks. */
export type PostToComplete = Readonly<
  Pick<
    Tables["posts"]["$inferSelect"],
    | "id"
    | "fileType"
    | "contentType"
    | "width"
    | "height"
    | "url"
    | "thumbnailUrl"
    | "displayUrl"
    | "placeholder"
    | "renditionVersion"
  >
>;

/** Renditions to make of a post. */
export interface Completion {
  readonly kinds: readonly RenditionKind[];
  /** Whether existing renditions are to be replaced. New ones are then stored under the next version's keys. */
  readonly replacesExisting: boolean;
}

/** One page of posts whose jobs were added. */
export interface CompletedPage {
  /** The id of its last post; undefined when there are no more. */
  readonly last: string | undefined;
  readonly posts: number;
  readonly jobs: number;
}

/** The queries of `image-sharing renditions`, which adds jobs for existing posts. */
export function renditionBacklogQueries(connection: Connection) {
  const { dialect, query, tables, transaction } = connection;
  const { posts, renditionJobs: jobs } = tables;

  return {
    /**
     * Adds the jobs of a page of posts, in the order of their ids. Jobs that wait or run stay as they are, unless existing
     * renditions are to be replaced; failed ones start over.
     * @param after the id of the previous page's last post; an empty string at first
     * @param completionOf decides about a post
     */
    addPage: (
      stores: readonly string[],
      after: string,
      limit: number,
      completionOf: (post: PostToComplete) => Completion,
      now: Date,
    ): Promise<CompletedPage> =>
      transaction(function* (tx) {
        const page = tx
          .select({
            ...{ id: posts.id, userId: posts.userId, fileType: posts.fileType, url: posts.url },
            ...{ contentType: posts.contentType, width: posts.width, height: posts.height },
            ...{ thumbnailUrl: posts.thumbnailUrl, displayUrl: posts.displayUrl },
            ...{ placeholder: posts.placeholder, renditionVersion: posts.renditionVersion },
          })
          .from(posts)
          .where(and(gt(posts.id, after), mayHaveRenditions(tables), inArray(posts.store, [...stores])))
          .orderBy(asc(posts.id))
          .limit(limit);
        const found = yield* lockRows(dialect, page);
        let added = 0;
        for (const post of found) {
          const { kinds, replacesExisting } = completionOf(post);
          if (kinds.length === 0 || post.userId === null) continue;
          const version = post.renditionVersion + (replacesExisting ? 1 : 0);
          const rows = newJobs(post.id, post.userId, version, kinds, now);
          yield* step(
            tx
              .insert(jobs)
              .values(rows)
              .onConflictDoUpdate({
                target: [jobs.postId, jobs.kind],
                set: { version, state: "waiting", dueAt: now, attempts: 0, lease: null },
                ...(replacesExisting ? {} : { setWhere: sql`${jobs.state} = 'failed'` }),
              })
              .returning({ id: jobs.id }),
          );
          yield* step(
            tx
              .update(posts)
              .set({ renditionVersion: version, processing: true })
              .where(eq(posts.id, post.id))
              .returning({ id: posts.id }),
          );
          added += rows.length;
        }
        return { last: found.at(-1)?.id, posts: found.length, jobs: added };
      }),

    /** Counts the unfinished and failed jobs of these kinds, for posts up to this id. */
    progress: async (
      kinds: readonly RenditionKind[],
      last: string,
    ): Promise<{ unfinished: number; failed: number }> => {
      const rows = await query
        .select({ state: jobs.state, jobs: count() })
        .from(jobs)
        .where(and(lte(jobs.postId, last), inArray(jobs.kind, [...kinds])))
        .groupBy(jobs.state);
      const of = (...states: string[]) =>
        rows.reduce((sum, row) => sum + (states.includes(row.state) ? row.jobs : 0), 0);
      return { unfinished: of("waiting", "running"), failed: of("failed") };
    },
  };
}

export type RenditionBacklogQueries = ReturnType<typeof renditionBacklogQueries>;
