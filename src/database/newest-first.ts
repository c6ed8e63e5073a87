import { desc, sql, type SQL } from "drizzle-orm";

import type { PagePosition } from "../http/page-request.ts";
import type { Tables } from "./schema.ts";

type ListColumns = Pick<Tables["posts" | "users" | "invitations"], "createdAt" | "id">;

/** The order of a list by age; the id decides between rows of one time. */
export const newestFirst = ({ createdAt, id }: ListColumns): SQL[] => [desc(createdAt), desc(id)];

/**
 * The condition for the rows that follow a position in a list that is {@link newestFirst}. It compares row values, so that
 * it is one range of an index.
 */
export const isAfter = ({ createdAt, id }: ListColumns, position: PagePosition): SQL =>
  sql`(${createdAt}, ${id}) < (${sql.param(position.createdAt, createdAt)}, ${position.id})`;
