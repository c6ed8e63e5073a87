import { describe } from "../docs/describe.ts";
import { defaultPageSize, largestPage } from "./feed.ts";

/** What the API's document says of the routes of posts. */
export const described = {
  upload: describe({
    id: "upload",
    summary: "Share an image or a video",
    description:
      "JPEG, PNG, GIF, WebP, AVIF, HEIC; MP4, MOV, WebM, MKV, AVI, 3GP, MPEG: told by the bytes. Place, camera, names " +
      "and other metadata are taken out before the file is stored.",
    answer: { status: 200, body: "Post" },
    errors: [
      "BAD_MULTIPART",
      "UPLOAD_TOO_SLOW",
      "UPLOAD_IN_PROGRESS",
      "FILE_TOO_LARGE",
      "UNSUPPORTED_MEDIA",
      "DAMAGED_MEDIA",
      "TOO_MANY_REQUESTS",
      "STORE_FAILED",
      "STORE_UNAVAILABLE",
      "STORAGE_FULL",
    ],
    validates: true,
    audience: "signed in",
    accepts: ["multipart/form-data"],
    reads: {
      "Idempotency-Key":
        "Names this upload for a day: repeated, it answers with the first post and makes no second one.",
    },
  }),
  feed: describe({
    id: "readFeed",
    summary: "What everybody shared, newest first",
    query: {
      limit: {
        description: "Posts on a page at most. A page ends early where it would be larger than 1 MB.",
        schema: { type: "integer", minimum: 1, maximum: largestPage, default: defaultPageSize },
      },
      cursor: { description: "`next_cursor` of the page before.", schema: { type: "string" } },
    },
    answer: { status: 200, body: "FeedPage", headers: { Link: 'The next page, as `<…>; rel="next"`.' } },
    validates: true,
    audience: "signed in",
  }),
  read: describe({
    id: "readPost",
    summary: "One post",
    answer: { status: 200, body: "Post" },
    errors: ["POST_NOT_FOUND"],
    audience: "signed in",
  }),
  remove: describe({
    id: "deletePost",
    summary: "Delete one's own post and its media",
    answer: { status: 200, body: "PostDeleted" },
    errors: ["POST_NOT_FOUND", "NOT_YOUR_POST"],
    audience: "signed in",
  }),
};
