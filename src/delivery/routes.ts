import { Elysia } from "elysia";

import type { Database } from "../database/database.ts";
import type { DeliveredMedia } from "../database/delivered-media.ts";
import { ApiError } from "../errors.ts";
import type { Connections } from "../http/connections.ts";
import { redirectCacheControl } from "../http/cache-control.ts";
import { deliver } from "./delivery.ts";
import { described } from "./descriptions.ts";
import {
  isThumbnailUrl,
  postIdOfMedia,
  postIdOfThumbnail,
  requireMediaKey,
  thumbnailKey,
} from "../storage/media-keys.ts";
import type { DiskStore } from "../storage/disk-store.ts";
import type { RecentFiles } from "./recent-files.ts";
import { signedUrlLifetimeSeconds, type S3Store } from "../storage/s3-store.ts";
import { fitsThumbnail } from "./transformation.ts";

export interface MediaServices {
  readonly database: Pick<Database, "media">;
  readonly connections: Connections;
  /** The media that this service delivers itself. */
  readonly disk: DiskStore;
  /** The cache of files that `disk` has delivered lately. */
  readonly recentFiles: RecentFiles;
  /** The bucket to redirect to; undefined where none is configured. */
  readonly s3: S3Store | undefined;
}

/** Kept by browsers for half the address's life, so that what they keep still opens for a good while. */
const lead = (address: string) =>
  new Response(null, {
    status: 302,
    headers: {
      location: address,
      "cache-control": redirectCacheControl(signedUrlLifetimeSeconds / 2),
      "cross-origin-resource-policy": "cross-origin",
    },
  });

/** Bytes that the system takes from Bun at once, however slowly the client reads. */
const sentAtOnce = 64 * 1024;

const methodOf = (request: Request) => (request.method === "HEAD" ? "HEAD" : "GET");

/** What distinguishes a transformation from any other part of an address. */
const mark = "tr:";

/**
 * The bytes of the disk store, and the way to those of a bucket that only signed addresses open. An address is hard to
 * guess and good for whoever was given it, as with a cloud store.
 *
 * Addresses with one of ImageKit's transformations between, which clients written for ImageKit build, lead to the same
 * files: to the thumbnail where that is large enough.
 */
export const mediaRoutes = ({ database, disk, recentFiles, s3, connections }: MediaServices) => {
  async function read(request: Request, asked: string, transformation?: string): Promise<Response> {
    const key = requireMediaKey(asked);
    const thumbnailOf = postIdOfThumbnail(key);
    const media =
      thumbnailOf === undefined ? await database.media.byKey(key) : await database.media.ofPost(thumbnailOf);
    if (!media) throw new ApiError("NOT_FOUND");
    if (transformation !== undefined && thumbnailOf === undefined && thumbnailServes(media, transformation))
      return read(request, thumbnailKey(postIdOfMedia(key)));
    if (media.store === "s3" && s3) return lead(s3.signedUrl(key, methodOf(request)));
    const { fileName, createdAt } = media;
    const contentType = thumbnailOf === undefined ? media.contentType : "image/webp";
    const file = { key, path: disk.resolve(key), fileName, createdAt, contentType };
    const answer = deliver(request, file, recentFiles);
    const length = Number(answer.headers.get("content-length"));
    if (request.method === "HEAD" && length > 0) return new Response(zeros(length), answer);
    if (length > sentAtOnce) connections.allowPauses(request);
    return answer;
  }

  /** @param path what stands behind `/media/`, as it was sent: Elysia does not decode what a wildcard stands for */
  async function readTransformed(request: Request, path: string): Promise<Response> {
    const end = path.lastIndexOf("/");
    const [transformation, key] = [decoded(path.slice(0, end)), decoded(path.slice(end + 1))];
    if (!transformation?.startsWith(mark) || key === undefined) throw new ApiError("NOT_FOUND");
    return read(request, key, transformation.slice(mark.length));
  }

  return new Elysia({ detail: { tags: ["media"] } })
    .get("/media/:key", ({ params, request }) => read(request, params.key), {
      detail: described.read,
    })
    .get(
      // Any number of segments: the text of an overlay, in base64, may hold slashes.
      "/media/*",
      // Elysia gives no parameter for the literal path "/media/*/".
      ({ params, request }) => readTransformed(request, params["*"] ?? ""),
      { detail: described.readTransformed },
    );
};

/** Undefined where it is no percent-encoded UTF-8. */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** Whether an image's thumbnail will do. A video is never shown as a picture, whatever size is asked for. */
function thumbnailServes(
  { contentType, thumbnailUrl, width, height }: DeliveredMedia,
  transformation: string,
): boolean {
  if (!contentType.startsWith("image/") || width === null || height === null) return false;
  const hasThumbnail = thumbnailUrl !== null && isThumbnailUrl(thumbnailUrl);
  return hasThumbnail && fitsThumbnail(transformation, { width, height });
}

const piece = new Uint8Array(1024 * 1024);

/** A body that is never sent; Elysia counts its bytes for the Content-Length of a HEAD. See docs/decisions/0013-head-of-media.md. */
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
