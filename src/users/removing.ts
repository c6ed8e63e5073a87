import type { Actor } from "../database/actors.ts";
import type { Background } from "../operation/background.ts";
import type { Database } from "../database/database.ts";
import { ApiError } from "../errors.ts";

/**
 * Deletes an account. Its tokens end and its posts leave the feed in the same moment; their media follows in the
 * background by the path that every deleted post takes.
 * @param actor the superuser who asks for it
 * @throws ApiError NOT_FOUND when there is no such account (any more); UNAUTHORIZED or FORBIDDEN when the actor lost the
 * right to do it meanwhile
 */
export async function removeUser(
  services: {
    database: Database;
    background: Background;
    /** Deletes the files of deleted posts; `graceMs` is the age at which a running upload counts as abandoned. */
    sweeper: { readonly graceMs: number; sweep(): Promise<void> };
  },
  actor: Actor,
  id: string,
): Promise<void> {
  const { database, background, sweeper } = services;
  const now = Date.now();
  if (!(await database.users.remove(actor, id, new Date(now), new Date(now + sweeper.graceMs))))
    throw new ApiError("NOT_FOUND");
  background.run("delete the media of a deleted user", () => sweeper.sweep());
}
