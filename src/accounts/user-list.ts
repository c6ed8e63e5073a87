import type { Static } from "@sinclair/typebox";

import type { Database } from "../database/database.ts";
import { noUsage } from "../database/usage.ts";
import type { Problem } from "../errors.ts";
import { readPageRequest, toPage } from "../http/page-request.ts";
import { listedUserRead, type userPageSchema } from "./user-read.ts";

/** Limit on a search text: the length of the longest email address. */
export const maxSearchLength = 254;

/** The query parameters of `GET /users`. */
export interface UserListQuery {
  search?: string;
  limit?: string;
  cursor?: string;
}

/**
 * Returns a page of all accounts with their usage, newest first.
 * @throws ValidationProblems that names each parameter at fault
 */
export async function listUsers(
  { users, usage }: Pick<Database, "users" | "usage">,
  { search = "", ...page }: UserListQuery,
): Promise<Static<typeof userPageSchema>> {
  const { limit, after } = readPageRequest(page, searchProblems(search));
  // One extra row shows whether there is a next page.
  const found = await users.page(limit + 1, after, search.trim().normalize("NFC"));
  const { shown, nextCursor } = toPage(found, limit);
  const usages = await usage.ofAll(shown.map(({ id }) => id));
  return {
    users: shown.map((user) => listedUserRead(user, usages.get(user.id) ?? noUsage)),
    next_cursor: nextCursor,
  };
}

function searchProblems(search: string): Problem[] {
  const loc = ["query", "search"];
  if ([...search].length > maxSearchLength)
    return [
      { type: "string_too_long", loc, msg: `String should have at most ${maxSearchLength} characters` },
    ];
  // PostgreSQL rejects NUL in a parameter.
  if (search.includes("\0"))
    return [{ type: "value_error", loc, msg: "Value error, a search must not contain NUL characters" }];
  return [];
}
