import type { RenditionKind, Tables } from "./schema.ts";

type NewJob = Tables["renditionJobs"]["$inferInsert"];

/** The rows of new jobs, due now. */
export const newJobs = (
  postId: string,
  userId: string,
  version: number,
  kinds: readonly RenditionKind[],
  now: Date,
): NewJob[] =>
  kinds.map((kind) => ({
    id: Bun.randomUUIDv7(),
    ...{ postId, userId, kind, version },
    state: "waiting",
    dueAt: now,
  }));
