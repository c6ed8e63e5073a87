import type { MovedMedia, MovingPost } from "../database/media-moves.ts";
import { isMediaType, type MediaType } from "../media-types.ts";
import type { SpaceClaim } from "../observability/disk-space.ts";
import { completionOf, mayNeedDisplay } from "../rendition-jobs/backlog.ts";
import { parseRenditionKey, renditionKeyAt, renditionKeys } from "../storage/media-keys.ts";
import type { MediaStore } from "../storage/media-store.ts";
import { withExtension } from "../uploads/display-name.ts";
import { copyFile, type Copying } from "./copy-file.ts";
import { callStore, PostNotMovable } from "./move-errors.ts";
import type { MoveServices } from "./move-services.ts";

/**
 * Copies the files of a post to another store: the original, and its renditions unless one of the stores makes them itself.
 * @param folder an empty folder for temp files
 * @returns what the post is to refer to
 * @throws as `copyFile`
 */
export async function copyPost(
  services: MoveServices,
  moving: MovingPost,
  to: MediaStore,
  folder: string,
  signal: AbortSignal,
): Promise<MovedMedia> {
  const { storeNamed, space } = services;
  const from = storeNamed(moving.store);
  if (!from) throw new PostNotMovable(`its store ${moving.store} is not configured`);
  const { contentType: type } = moving;
  if (!isMediaType(type)) throw new PostNotMovable(`its type ${type} is unknown`);
  let claim: SpaceClaim | undefined;
  try {
    if (from.name !== "disk")
      claim = await callStore("disk", { signal, deadline: signal }, () =>
        space.claim(moving.id, moving.bytes || unknownBytes),
      );
    const copying = { from, to, folder, signal };
    if (moving.isTakenOver) await deleteStaleRenditions(services, moving, copying);
    if (to.makesRenditions) return await copyForOwnRenditions(services, moving, type, copying);
    const { storeId, url, bytes } = await copyFile(services, originalOf(moving, type), copying);
    const renditions = from.makesRenditions
      ? { thumbnailUrl: moving.fileType === "image" ? url : null, displayUrl: null }
      : {
          thumbnailUrl: await copyRendition(services, moving, moving.thumbnailUrl, url, copying),
          displayUrl: await copyRendition(services, moving, moving.displayUrl, url, copying),
        };
    const missing = from.makesRenditions
      ? completionOf({ ...moving, ...renditions }, false).kinds.filter(services.renditionJobs.canMake)
      : [];
    return { media: { storeId, url, bytes, ...renditions }, missing };
  } finally {
    claim?.release();
  }
}

/** The size to allow time and disk space for where an import did not learn the size of a file. */
const unknownBytes = 100e6;

const originalOf = ({ key, storeId, fileName, bytes }: MovingPost, contentType: MediaType) => ({
  key,
  storeId,
  contentType,
  displayName: fileName,
  bytes: bytes || null,
  expectedBytes: bytes || unknownBytes,
});

/** Copies the original to a store that makes renditions itself. */
async function copyForOwnRenditions(
  services: MoveServices,
  moving: MovingPost,
  type: MediaType,
  copying: Copying,
): Promise<MovedMedia> {
  let isFitForDisplay = moving.displayUrl === null && moving.fileType === "image" && !mayNeedDisplay(moving);
  async function inspectVideo(path: string): Promise<void> {
    const facts = await services.mediaWorkers
      .readVideo({ path, type }, moving.userId ?? "", moving.bytes, copying.signal)
      // One that cannot be read may still be converted by the store.
      .catch(() => undefined);
    isFitForDisplay = facts?.isPlayable ?? false;
  }
  const inspect = moving.fileType === "video" && moving.displayUrl === null ? { inspect: inspectVideo } : {};
  const { storeId, url, bytes, renditions } = await copyFile(services, originalOf(moving, type), {
    ...copying,
    ...inspect,
  });
  const thumbnailUrl = renditions?.thumbnailUrl ?? null;
  const displayUrl = isFitForDisplay ? null : (renditions?.displayUrl ?? null);
  return { media: { storeId, url, bytes, thumbnailUrl, displayUrl }, missing: null };
}

/**
 * Copies the rendition at an address of the post.
 * @param originalUrl the new address of the original
 * @returns the new address
 */
async function copyRendition(
  services: MoveServices,
  moving: MovingPost,
  address: string | null,
  originalUrl: string,
  copying: Copying,
): Promise<string | null> {
  // An image stands in for its thumbnail until that is made.
  if (address === moving.url) return originalUrl;
  const key = renditionKeyAt(address);
  if (key === undefined) return null;
  const { contentType } = parseRenditionKey(key)!;
  const displayName = withExtension(moving.fileName, contentType);
  // An MP4 may be larger than the video that it replaces.
  const file = { key, storeId: null, contentType, displayName, bytes: null, expectedBytes: 2 * moving.bytes };
  return (await copyFile(services, file, copying)).url;
}

/** Deletes renditions that an earlier move has left in the target, and that the post no longer has. */
async function deleteStaleRenditions(
  { deadlineFor }: MoveServices,
  { id, fileType, renditionVersion, thumbnailUrl, displayUrl }: MovingPost,
  { to, signal }: Copying,
): Promise<void> {
  if (to.makesRenditions) return;
  const kept = [renditionKeyAt(thumbnailUrl), renditionKeyAt(displayUrl)];
  const deadline = AbortSignal.timeout(deadlineFor(0) * 1000);
  for (const key of renditionKeys(id, fileType, renditionVersion))
    if (!kept.includes(key))
      await callStore(to.name, { signal, deadline }, (either) => to.delete(key, null, either));
}
