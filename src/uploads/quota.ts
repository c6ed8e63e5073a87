import type { Database } from "../database/database.ts";
import { ApiError } from "../errors.ts";
import { readUploadKey } from "./idempotency.ts";

/** The services that {@link requireQuotaLeft} needs. */
export interface QuotaServices {
  readonly database: Database;
  /** Bytes that the posts of one account may have; undefined for no limit. */
  readonly userQuota: number | undefined;
}

/**
 * Checks an account's quota before an upload's body is read. The reservation of the post checks it again.
 * @returns the bytes that the upload may have; infinite without a quota, and for the repetition of an earlier upload, which
 * makes no second post
 * @throws ApiError QUOTA_EXCEEDED when nothing is left; ValidationProblems for a bad `Idempotency-Key`
 */
export async function requireQuotaLeft(
  { database, userQuota }: QuotaServices,
  accountId: string,
  headers: Headers,
): Promise<number> {
  if (userQuota === undefined) return Number.POSITIVE_INFINITY;
  const uploadKey = readUploadKey(headers);
  if (uploadKey !== null && (await database.posts.byUploadKey(accountId, uploadKey)))
    return Number.POSITIVE_INFINITY;
  const left = userQuota - (await database.usage.of(accountId)).bytes;
  if (left <= 0) throw new ApiError("QUOTA_EXCEEDED");
  return left;
}
