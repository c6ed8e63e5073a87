import { describe } from "../openapi/describe.ts";
import type { HeaderName } from "../openapi/headers.ts";

/** Headers of every response with bytes of the file. */
const fileHeaders = [
  "Accept-Ranges",
  "Cache-Control",
  "Content-Disposition",
  "ETag",
  "Last-Modified",
] as const satisfies HeaderName[];

const key = {
  description: "The last part of a post's `url` or `thumbnail_url`.",
  schema: { type: "string" },
} as const;

/** What all responses with media have in common. */
const delivery = {
  reads: {
    Range: {
      description:
        "One range of bytes, such as `bytes=0-65535`. A request for several ranges gets the whole file.",
      schema: { type: "string" },
    },
    "If-Match": {
      description: "Serves the file only if it still has one of these ETags.",
      schema: { type: "string" },
    },
    "If-Unmodified-Since": {
      description: "Serves the file only if it has not changed since this date. Ignored beside `If-Match`.",
      schema: { type: "string" },
    },
    "If-None-Match": {
      description: "ETags of cached copies.",
      schema: { type: "string" },
    },
    "If-Modified-Since": {
      description: "`Last-Modified` of a cached copy. Ignored beside `If-None-Match`.",
      schema: { type: "string" },
    },
    "If-Range": {
      description: "Applies `Range` only if the file still has this ETag or date.",
      schema: { type: "string" },
    },
  },
  answer: {
    status: 200,
    meaning: "The whole file.",
    body: { media: ["image/*", "video/*"] },
    headers: fileHeaders,
  },
  others: {
    206: {
      meaning: "The requested range of the file.",
      body: { media: ["image/*", "video/*"] },
      headers: ["Content-Range", ...fileHeaders],
    },
    302: {
      meaning:
        "The file is in a bucket or in ImageKit. A bucket's address in `Location` is valid for an hour.",
      body: null,
      headers: ["Location", "Cache-Control"],
    },
    304: {
      meaning: "The cached copy is still good.",
      body: null,
      headers: ["ETag", "Cache-Control"],
    },
    416: { meaning: "The range begins behind the file's end.", body: null, headers: ["Content-Range"] },
  },
  errors: ["NOT_FOUND", "PRECONDITION_FAILED", "STORE_UNAVAILABLE"],
} as const;

/** The OpenAPI descriptions of the routes of media. */
export const mediaDescriptions = {
  read: describe({
    id: "readMedia",
    summary: "Download a photo or video",
    description:
      "Serves the file behind a post's `url` or `thumbnail_url`. No access token is needed: addresses are hard to " +
      "guess and can be opened by everybody they are given to. Supports HEAD, byte ranges and conditional requests " +
      "(RFC 9110).",
    path: { key },
    ...delivery,
  }),
  readTransformed: describe({
    id: "readTransformedMedia",
    summary: "Download a photo or video at an ImageKit address",
    description:
      "For clients that write ImageKit's transformations into addresses. Serves an image's thumbnail where that is " +
      "as large as the width and height asked for, and the file itself in every other case.",
    template: "/media/{transformation}/{key}",
    path: {
      transformation: {
        description: "A transformation of ImageKit, such as `tr:w-400,h-200`.",
        schema: { type: "string", pattern: "^tr:" },
      },
      key,
    },
    ...delivery,
  }),
};
