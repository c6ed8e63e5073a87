import { Elysia } from "elysia";

import { describe } from "../docs/describe.ts";
import type { HeaderName } from "../docs/headers.ts";
import { ApiError } from "../errors.ts";
import type { Services } from "../services.ts";
import { redirectCacheControl } from "./cache-control.ts";
import { deliver } from "./delivery.ts";
import { postOfThumbnail, requireMediaKey } from "./keys.ts";
import { READABLE } from "./s3-store.ts";

/** Kept by browsers for half the address's life, so that what they keep still opens for a good while. */
const lead = (address: string) =>
  new Response(null, {
    status: 302,
    headers: {
      location: address,
      "cache-control": redirectCacheControl(READABLE / 2),
      "cross-origin-resource-policy": "cross-origin",
    },
  });

/** Headers of every response with bytes of the file. */
const fileHeaders = [
  "Accept-Ranges",
  "Cache-Control",
  "Content-Disposition",
  "ETag",
  "Last-Modified",
] as const satisfies HeaderName[];

const methodOf = (request: Request) => (request.method === "HEAD" ? "HEAD" : "GET");

/**
 * The bytes of the disk store, and the way to those of a bucket that only signed addresses open. An address is hard to
 * guess and good for whoever was given it, as with a cloud store.
 */
export const mediaRoutes = ({ database, disk, s3 }: Services) =>
  new Elysia({ detail: { tags: ["media"] } }).get(
    "/media/:key",
    async ({ params, request }) => {
      const key = requireMediaKey(params.key);
      const thumbnailOf = postOfThumbnail(key);
      const media =
        thumbnailOf === undefined
          ? await database.media.byKey(key)
          : await database.media.ofPost(thumbnailOf);
      if (!media) throw new ApiError("NOT_FOUND");
      if (media.store === "s3" && s3) return lead(s3.signedAddress(key, methodOf(request)));
      const { fileName } = media;
      const contentType = thumbnailOf === undefined ? media.contentType : "image/webp";
      const answer = deliver(request, { key, path: disk.resolve(key), fileName, contentType });
      const length = request.method === "HEAD" ? answer.headers.get("content-length") : null;
      return length === null ? answer : new Response(zeros(Number(length)), answer);
    },
    {
      detail: describe({
        id: "readMedia",
        summary: "Download a photo or video",
        description:
          "Serves the file behind a post's `url` or `thumbnail_url`. No access token is needed: addresses are hard to " +
          "guess and can be opened by everybody they are given to. Supports HEAD, byte ranges and conditional requests " +
          "(RFC 9110).",
        path: {
          key: {
            description: "The last part of a post's `url` or `thumbnail_url`.",
            schema: { type: "string" },
          },
        },
        reads: {
          Range: {
            description:
              "One range of bytes, such as `bytes=0-65535`. A request for several ranges gets the whole file.",
            schema: { type: "string" },
          },
          "If-None-Match": {
            description: "ETags of cached copies.",
            schema: { type: "string" },
          },
          "If-Range": {
            description: "Applies `Range` only if the file still has this ETag.",
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
            meaning: "The file is in a bucket. The address in `Location` is valid for an hour.",
            body: null,
            headers: ["Location", "Cache-Control"],
          },
          304: {
            meaning: "The cached copy is still good.",
            body: null,
            headers: ["ETag", "Cache-Control", "Last-Modified"],
          },
          416: { meaning: "The range begins behind the file's end.", body: null, headers: ["Content-Range"] },
        },
        errors: ["NOT_FOUND", "STORE_UNAVAILABLE"],
      }),
    },
  );

const piece = new Uint8Array(1024 * 1024);

/** A body that is never sent: by counting it Elysia finds out what Content-Length a HEAD has. */
function zeros(bytes: number): ReadableStream<Uint8Array<ArrayBuffer>> {
  let left = bytes;
  return new ReadableStream({
    pull(controller) {
      if (left > 0) controller.enqueue(piece.subarray(0, left));
      else controller.close();
      left -= piece.length;
    },
  });
}
