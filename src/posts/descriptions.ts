import { describe } from "../openapi/describe.ts";
import { defaultPageSize, largestPage } from "./feed.ts";
import { longestUploadKey } from "../uploads/idempotency.ts";
import { postSchema } from "./post-read.ts";
import { feedPageSchema, postDeletedSchema } from "./schemas.ts";

const path = {
  post_id: {
    description: "The post's id.",
    schema: { type: "string", format: "uuid" },
  },
} as const;

const revalidation = {
  reads: {
    "If-None-Match": { description: "ETags of kept responses.", schema: { type: "string" } },
  },
  others: {
    304: { meaning: "The kept response is still current.", body: null, headers: ["ETag", "Cache-Control"] },
  },
} as const;

/** The OpenAPI descriptions of the routes of posts. */
export const described = {
  upload: describe({
    id: "upload",
    summary: "Upload a photo or video",
    description:
      "Accepts JPEG, PNG, GIF, WebP, AVIF and HEIC images and MP4, MOV, WebM, MKV, AVI, 3GP and MPEG videos. The format " +
      "is detected from the file's bytes; its name and declared type do not matter. Location, camera details and other " +
      "private metadata are removed before the file is stored. Send an `Idempotency-Key` to make retries safe.",
    answer: { status: 200, meaning: "The new post, or the first one for a repeated key.", body: postSchema },
    errors: [
      "BAD_MULTIPART",
      "UPLOAD_TOO_SLOW",
      "UPLOAD_IN_PROGRESS",
      "FILE_TOO_LARGE",
      "UNSUPPORTED_MEDIA",
      "DAMAGED_MEDIA",
      "CUT_OFF_MEDIA",
      "TOO_MANY_REQUESTS",
      "TOO_MANY_UPLOADS",
      "OVERLOADED",
      "STORE_FAILED",
      "STORE_UNAVAILABLE",
    ],
    validates: true,
    audience: "signed in",
    accepts: ["multipart/form-data"],
    reads: {
      "Idempotency-Key": {
        description:
          "A unique name for this upload, such as a UUID. Retrying with the same key within 24 hours returns the first post. " +
          "The same key with a different file or caption is refused with 422.",
        schema: { type: "string", pattern: "^[!-~]+$", minLength: 1, maxLength: longestUploadKey },
      },
    },
  }),
  feed: describe({
    id: "readFeed",
    summary: "List posts",
    description:
      "Returns the posts of all users, newest first, in pages. Pages stay in step while others post: following the " +
      "cursor neither skips nor repeats a post.",
    query: {
      limit: {
        description:
          "The largest number of posts on the page. A page ends early rather than grow beyond 1 MB.",
        schema: { type: "integer", minimum: 1, maximum: largestPage, default: defaultPageSize },
      },
      cursor: {
        description: "`next_cursor` of the previous page. Left out for the first page.",
        schema: { type: "string" },
      },
    },
    answer: {
      status: 200,
      meaning: "A page of posts.",
      body: feedPageSchema,
      headers: ["Link", "ETag", "Cache-Control"],
    },
    ...revalidation,
    validates: true,
    audience: "signed in",
  }),
  read: describe({
    id: "readPost",
    summary: "Get a post",
    description: "Returns one published post, whoever its author is.",
    answer: { status: 200, meaning: "The post.", body: postSchema, headers: ["ETag", "Cache-Control"] },
    ...revalidation,
    errors: ["POST_NOT_FOUND"],
    audience: "signed in",
    path,
  }),
  remove: describe({
    id: "deletePost",
    summary: "Delete a post",
    description: "Deletes a post of yours and its media. It disappears from the feed at once.",
    answer: { status: 200, meaning: "The post is deleted.", body: postDeletedSchema },
    errors: ["POST_NOT_FOUND", "NOT_YOUR_POST"],
    audience: "signed in",
    path,
  }),
};
