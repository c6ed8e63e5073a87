import type { PostQueries, PublishedPost } from "../database/posts.ts";
import { ApiError, ValidationProblems } from "../errors.ts";

/** Characters that a key may have. */
export const longestUploadKey = 255;
const uploadKey = new RegExp(`^[!-~]{1,${longestUploadKey}}$`);

/**
 * Reads the client's name for an upload, so that a repeated one makes no second post: `Idempotency-Key`, after
 * draft-ietf-httpapi-idempotency-key-header.
 * @throws ValidationProblems for what is not 1–255 printable ASCII characters
 */
export function readUploadKey(headers: Headers): string | null {
  const key = headers.get("idempotency-key");
  if (key === null || uploadKey.test(key)) return key;
  const msg = `Value error, 1 to ${longestUploadKey} printable ASCII characters are expected`;
  throw new ValidationProblems([{ type: "value_error", loc: ["header", "idempotency-key"], msg }]);
}

/**
 * The post that an earlier upload of this user under this key became; undefined when there was none.
 * @param upload the upload at hand
 * @throws ApiError UPLOAD_IN_PROGRESS while the earlier one is still running; ValidationProblems when it had another file
 * or caption
 */
export async function earlierUpload(
  posts: PostQueries,
  userId: string,
  uploadKey: string,
  upload: { sha256: string; caption: string },
): Promise<PublishedPost | undefined> {
  const earlier = await posts.byUploadKey(userId, uploadKey);
  if (!earlier) return undefined;
  const other = earlier.sha256 === upload.sha256 ? "caption" : "file";
  if (earlier.sha256 !== upload.sha256 || earlier.caption !== upload.caption) {
    const msg = `Value error, this key was used for another ${other}`;
    throw new ValidationProblems([{ type: "value_error", loc: ["header", "idempotency-key"], msg }]);
  }
  const post = await posts.byId(earlier.id);
  if (!post) throw uploadInProgress();
  return post;
}

/** Another upload under the same key has not come to its end. */
export const uploadInProgress = () => new ApiError("UPLOAD_IN_PROGRESS", { headers: { "retry-after": "1" } });
