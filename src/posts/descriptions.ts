import { describe } from "../openapi/describe.ts";
import { pageParameters } from "../http/page-request.ts";
import { formatNames, transportStreams } from "../media-types.ts";
import { maxUploadKeyLength } from "../uploads/idempotency.ts";
import { postSchema } from "./post-read.ts";
import { feedPageSchema, postDeletedSchema, reportPageSchema } from "./schemas.ts";

const path = {
  post_id: {
    description: "The post's id.",
    schema: { type: "string", format: "uuid" },
  },
} as const;

const withoutFfmpeg = { transportStreams: false };

const revalidation = {
  reads: {
    "If-None-Match": { description: "ETags of cached responses.", schema: { type: "string" } },
  },
  others: {
    304: { meaning: "The cached response is still current.", body: null, headers: ["ETag", "Cache-Control"] },
  },
} as const;

/** The OpenAPI descriptions of the routes of posts. */
export const postDescriptions = {
  upload: describe({
    id: "upload",
    summary: "Upload a photo or video",
    description:
      `Accepts images (${formatNames("image", withoutFfmpeg)}) and videos (${formatNames("video", withoutFfmpeg)}), and where the ` +
      `service has ffmpeg, ${transportStreams.name}, which becomes MP4. The format is detected from the file's bytes; its ` +
      "name and declared type do not matter. Location, camera details and other private metadata are removed before the " +
      "file is stored. Send an `Idempotency-Key` to make retries safe.",
    answer: { status: 200, meaning: "The new post, or the first one for a repeated key.", body: postSchema },
    errors: [
      "BAD_MULTIPART",
      "UPLOAD_TOO_SLOW",
      "UPLOAD_IN_PROGRESS",
      "FILE_TOO_LARGE",
      "QUOTA_EXCEEDED",
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
          "The same key with a different file, caption or alternative text is refused with 422, until the post is edited.",
        schema: { type: "string", pattern: "^[!-~]+$", minLength: 1, maxLength: maxUploadKeyLength },
      },
    },
  }),
  feed: describe({
    id: "readFeed",
    summary: "List posts",
    description:
      "Returns the posts of all users, or of one author, newest first, in pages. Following the cursor neither skips nor " +
      "repeats a post while others post. A page ends early rather than grow beyond 1 MB. Posts of deactivated accounts " +
      "are not shown to anybody.",
    query: {
      author: {
        description: "The id of the author whose posts to list. For an unknown author the page is empty.",
        schema: { type: "string", format: "uuid" },
      },
      ...pageParameters,
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
    description: "Returns a published post by any author whose account is active.",
    answer: { status: 200, meaning: "The post.", body: postSchema, headers: ["ETag", "Cache-Control"] },
    ...revalidation,
    errors: ["POST_NOT_FOUND"],
    audience: "signed in",
    path,
  }),
  remove: describe({
    id: "deletePost",
    summary: "Delete a post",
    description:
      "Deletes a post of yours and its media. It disappears from the feed at once. Superusers can delete any post.",
    answer: { status: 200, meaning: "The post is deleted.", body: postDeletedSchema },
    errors: ["POST_NOT_FOUND", "NOT_YOUR_POST"],
    audience: "signed in",
    path,
  }),
  edit: describe({
    id: "editPost",
    summary: "Edit a post",
    description:
      "Changes the caption or the alternative text of a post of yours; fields that are left out keep their values. " +
      "`edited_at` changes only if a text does. Superusers cannot edit the posts of others.",
    answer: { status: 200, meaning: "The post after the change.", body: postSchema },
    errors: ["POST_NOT_FOUND", "NOT_YOUR_POST_TO_EDIT", "BODY_TOO_LARGE", "TOO_MANY_REQUESTS"],
    validates: true,
    audience: "signed in",
    path,
  }),
  report: describe({
    id: "reportPost",
    summary: "Report a post",
    description:
      "Reports a post to the superusers. A second report of the same post replaces your first one.",
    answer: { status: 204, meaning: "The post is reported.", body: null },
    errors: ["POST_NOT_FOUND", "BODY_TOO_LARGE", "TOO_MANY_REQUESTS"],
    validates: true,
    audience: "signed in",
    path,
  }),
  reports: describe({
    id: "listReports",
    summary: "List reports",
    description: "Returns the reports of posts, newest first, in pages. For superusers.",
    query: pageParameters,
    answer: { status: 200, meaning: "A page of reports.", body: reportPageSchema },
    validates: true,
    audience: "superusers",
  }),
  dismiss: describe({
    id: "dismissReport",
    summary: "Dismiss a report",
    description: "Removes a report and leaves the post as it is. For superusers.",
    answer: { status: 204, meaning: "The report is dismissed.", body: null },
    errors: ["NOT_FOUND"],
    audience: "superusers",
    path: { id: { description: "The report's id.", schema: { type: "string", format: "uuid" } } },
  }),
};
