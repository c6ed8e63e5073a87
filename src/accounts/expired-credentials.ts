import { longestRequestMs } from "../database/actors.ts";
import type { Database } from "../database/database.ts";

/**
 * Removes revoked tokens and sessions that have expired. They stay for as long as a request may continue after its credential
 * has expired, because its writes still check them.
 */
export async function removeExpiredCredentials(
  { revokedTokens, sessions }: Pick<Database, "revokedTokens" | "sessions">,
  now: Date,
): Promise<void> {
  const cutoff = new Date(now.getTime() - longestRequestMs);
  await revokedTokens.removeExpired(cutoff);
  await sessions.removeExpired(cutoff);
}
