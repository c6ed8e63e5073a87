import { Elysia } from "elysia";

import { describe } from "../docs/describe.ts";
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
        summary: "The bytes of a post",
        description: "Or of its thumbnail. Ranges, conditional requests and HEAD as in RFC 9110.",
        answer: { status: 200, body: { bytes: "application/octet-stream" } },
        others: {
          302: { meaning: "The bytes are in a bucket: at the address in `Location`, for a while." },
          206: { meaning: "The range that was asked for.", body: { bytes: "application/octet-stream" } },
          304: { meaning: "The client has it already." },
          416: { meaning: "No such range." },
        },
        errors: ["NOT_FOUND"],
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
