import { Elysia } from "elysia";

import type { Database } from "../database/database.ts";
import type { DeliveredMedia } from "../database/delivered-media.ts";
import { ApiError } from "../errors.ts";
import type { Connections } from "../http/connections.ts";
import { redirectCacheControl } from "../http/cache-control.ts";
import { deliver } from "./delivery.ts";
import { mediaDescriptions } from "./descriptions.ts";
import {
  parseRenditionKey,
  renditionKeyAt,
  requireMediaKey,
  type RenditionKey,
} from "../storage/media-keys.ts";
import type { DiskStore } from "../storage/disk-store.ts";
import type { RecentFiles } from "./recent-files.ts";
import { signedUrlLifetimeSeconds, type S3Store } from "../storage/s3-store.ts";
import { fitsThumbnail } from "./transformation.ts";

export interface MediaServices {
  readonly database: Pick<Database, "media">;
  readonly connections: Connections;
  /** The store whose media this service delivers itself. */
  readonly disk: DiskStore;
  /** The cache of files that `disk` delivered recently. */
  readonly recentFiles: RecentFiles;
  /** The bucket to redirect to; undefined if none is configured. */
  readonly s3: S3Store | undefined;
}

/** Browsers may cache the redirect for half the lifetime of the signed URL, so that a cached one still works. */
const redirectTo = (url: string) =>
  new Response(null, {
    status: 302,
    headers: {
      location: url,
      "cache-control": redirectCacheControl(signedUrlLifetimeSeconds / 2),
      "cross-origin-resource-policy": "cross-origin",
    },
  });

/** Redirects from the address of a replaced rendition to the current one. The location is relative to that address. */
const redirectToNewer = (key: string) =>
  new Response(null, {
    status: 302,
    headers: { location: key, "cache-control": "no-cache", "cross-origin-resource-policy": "cross-origin" },
  });

/** Bytes that the socket buffer takes at once, however slowly the client reads. */
const socketBufferBytes = 64 * 1024;

const methodOf = (request: Request) => (request.method === "HEAD" ? "HEAD" : "GET");

/** The prefix of a path segment that is a transformation. */
const transformationPrefix = "tr:";

/**
 * Serves media of the disk store, and redirects to signed URLs for media in a bucket and to ImageKit's addresses. As with a cloud store, URLs are hard
 * to guess and work for everybody who has them, while the post is visible.
 *
 * Clients written for ImageKit insert transformations into URLs. Those URLs lead to the thumbnail where it is large enough,
 * and to the file itself otherwise.
 */
export const mediaRoutes = ({ database, disk, recentFiles, s3, connections }: MediaServices) => {
  async function read(request: Request, keyInPath: string, transformation?: string): Promise<Response> {
    const key = requireMediaKey(keyInPath);
    const rendition = parseRenditionKey(key);
    const media = rendition ? await database.media.ofPost(rendition.postId) : await database.media.byKey(key);
    if (!media) throw new ApiError("NOT_FOUND");
    if (media.store === "imagekit") return redirectTo(addressAtImageKit(media, rendition));
    if (rendition) {
      const current = currentKey(media, rendition);
      if (current === undefined) throw new ApiError("NOT_FOUND");
      if (current !== key) return redirectToNewer(current);
    } else if (transformation !== undefined) {
      const thumbnail = renditionKeyAt(media.thumbnailUrl);
      if (thumbnail !== undefined && thumbnailServes(media, transformation)) return read(request, thumbnail);
    }
    if (media.store === "s3" && s3) return redirectTo(s3.signedUrl(key, methodOf(request)));
    const { fileName, createdAt } = media;
    const contentType = rendition?.contentType ?? media.contentType;
    const file = { key, path: disk.resolve(key), fileName, createdAt, contentType };
    const answer = deliver(request, file, recentFiles);
    const length = Number(answer.headers.get("content-length"));
    if (request.method === "HEAD" && length > 0) return new Response(zeros(length), answer);
    if (length > socketBufferBytes) connections.allowPauses(request);
    return answer;
  }

  /** @param path the rest of the path after `/media/`, still encoded: Elysia does not decode wildcards */
  async function readTransformed(request: Request, path: string): Promise<Response> {
    const end = path.lastIndexOf("/");
    const [transformation, key] = [decoded(path.slice(0, end)), decoded(path.slice(end + 1))];
    if (!transformation?.startsWith(transformationPrefix) || key === undefined)
      throw new ApiError("NOT_FOUND");
    return read(request, key, transformation.slice(transformationPrefix.length));
  }

  return new Elysia({ detail: { tags: ["media"] } })
    .get("/media/:key", ({ params, request }) => read(request, params.key), {
      detail: mediaDescriptions.read,
    })
    .get(
      // Any number of segments, because the base64 text of an overlay may contain slashes.
      "/media/*",
      // For the literal path "/media/*/", Elysia passes no parameter.
      ({ params, request }) => readTransformed(request, params["*"] ?? ""),
      { detail: mediaDescriptions.readTransformed },
    );
};

/** The address of a file of a post that was moved to ImageKit, which has its own renditions. */
function addressAtImageKit(
  { url, thumbnailUrl, displayUrl }: DeliveredMedia,
  rendition: RenditionKey | undefined,
): string {
  if (url === null) throw new ApiError("NOT_FOUND");
  if (!rendition) return url;
  return (rendition.rendition === "thumbnail" ? thumbnailUrl : displayUrl) ?? url;
}

/** Decodes percent-encoded UTF-8; undefined if it is malformed. */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** Whether to serve the thumbnail of an image in place of the transformed file. Never for a video, at any size. */
function thumbnailServes({ contentType, width, height }: DeliveredMedia, transformation: string): boolean {
  if (!contentType.startsWith("image/") || width === null || height === null) return false;
  return fitsThumbnail(transformation, { width, height });
}

/**
 * Returns the key of the stored rendition that a key stands for: itself, or the newer one that has replaced it. Undefined
 * for one that is not stored.
 */
function currentKey(media: DeliveredMedia, { rendition, version }: RenditionKey): string | undefined {
  const current = renditionKeyAt(rendition === "thumbnail" ? media.thumbnailUrl : media.displayUrl);
  const found = current === undefined ? undefined : parseRenditionKey(current);
  return found?.rendition === rendition && found.version >= version ? current : undefined;
}

const chunk = new Uint8Array(1024 * 1024);

/** A body that is never sent; Elysia counts its bytes for the Content-Length of a HEAD response. See docs/decisions/0013-head-of-media.md. */
function zeros(bytes: number): ReadableStream<Uint8Array<ArrayBuffer>> {
  let left = bytes;
  return new ReadableStream({
    pull(controller) {
      if (left > 0) controller.enqueue(chunk.subarray(0, left));
      else controller.close();
      left -= chunk.length;
    },
  });
}
