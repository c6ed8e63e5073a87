import type { PostQueries, PostTexts } from "../database/posts.ts";
import type { PublishedPost } from "../database/published-posts.ts";
import { ApiError, ValidationProblems } from "../errors.ts";

/** Characters of an upload key. */
export const maxUploadKeyLength = 255;
const uploadKey = new RegExp(`^[!-~]{1,${maxUploadKeyLength}}$`);

/**
 * Reads the client's name for an upload, so that a repeated one makes no second post: `Idempotency-Key`, after
 * draft-ietf-httpapi-idempotency-key-header.
 * @throws ValidationProblems for what is not 1–255 printable ASCII characters
 */
export function readUploadKey(headers: Headers): string | null {
  const key = headers.get("idempotency-key");
  if (key === null || uploadKey.test(key)) return key;
  const msg = `Value error, 1 to ${maxUploadKeyLength} printable ASCII characters are expected`;
  throw new ValidationProblems([{ type: "value_error", loc: ["header", "idempotency-key"], msg }]);
}

/**
 * Returns the post of an earlier upload by this user under this key; undefined when there was none.
 * @param upload the upload at hand
 * @throws ApiError UPLOAD_IN_PROGRESS while the earlier one is still running; ValidationProblems when it had another
 * file, caption or alternative text
 */
export async function earlierUpload(
  posts: PostQueries,
  userId: string,
  uploadKey: string,
  upload: PostTexts & { sha256: string },
): Promise<PublishedPost | undefined> {
  const earlier = await posts.byUploadKey(userId, uploadKey);
  if (!earlier) return undefined;
  const other = differenceOf(earlier, upload);
  if (other) {
    const msg = `Value error, this key was used for another ${other}`;
    throw new ValidationProblems([{ type: "value_error", loc: ["header", "idempotency-key"], msg }]);
  }
  const post = await posts.byId(earlier.id);
  if (!post) throw uploadInProgress();
  return post;
}

/** Returns the first difference between two uploads under one key. An edit replaces the texts of the upload. */
function differenceOf(
  earlier: PostTexts & { sha256: string; editedAt: Date | null },
  upload: PostTexts & { sha256: string },
): string | undefined {
  if (earlier.sha256 !== upload.sha256) return "file";
  if (earlier.editedAt) return undefined;
  if (earlier.caption !== upload.caption) return "caption";
  return earlier.alt === upload.alt ? undefined : "alternative text";
}

/** Another upload under the same key is still running. */
export const uploadInProgress = () => new ApiError("UPLOAD_IN_PROGRESS", { headers: { "retry-after": "1" } });
