import type { Background } from "../operation/background.ts";
import type { Database } from "../database/database.ts";
import { ApiError } from "../errors.ts";
import type { Sweeper } from "../posts/sweeper.ts";

/**
 * Deletes an account. Its tokens end and its posts leave the feed in the same moment; their media follows in the
 * background by the path that every deleted post takes.
 * @throws ApiError NOT_FOUND when there is no such account (any more)
 */
export async function removeUser(
  services: { database: Database; background: Background; sweeper: Sweeper },
  id: string,
): Promise<void> {
  const { database, background, sweeper } = services;
  const now = Date.now();
  if (!(await database.users.remove(id, new Date(now), new Date(now + sweeper.graceMs))))
    throw new ApiError("NOT_FOUND");
  background.run("delete the media of a deleted user", () => sweeper.sweep());
}
