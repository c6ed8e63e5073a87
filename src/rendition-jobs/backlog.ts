import { mediaStoreNames } from "../config/config.ts";
import type { Completion, PostToComplete } from "../database/rendition-backlog.ts";
import type { RenditionKind } from "../database/schema.ts";
import { displayLongSide } from "../limits.ts";
import { renditionKeyAt } from "../storage/media-keys.ts";
import type { PostServices } from "../uploads/upload-services.ts";

/** Posts whose jobs are added in one transaction. */
const pageSize = 200;

/** Jobs that were added for existing posts. */
export interface Backlog {
  /** The number of posts that were examined. */
  readonly posts: number;
  readonly jobs: number;
  /** The last of these posts in the order of ids, for counting the unfinished jobs up to it; empty if there is none. */
  readonly lastPostId: string;
  /** Whether all posts were examined; false if the signal aborted before that. */
  readonly isComplete: boolean;
}

/** The services that {@link addBacklog} uses. */
type BacklogServices = Pick<PostServices, "database" | "storeNamed" | "renditionJobs">;

/**
 * Adds jobs for the renditions that existing posts lack, except those that this machine cannot make.
 * @param all whether to remake existing ones too, except posters
 * @param signal stops before the next page
 * @returns what was added
 */
export async function addBacklog(
  services: BacklogServices,
  all: boolean,
  signal: AbortSignal,
): Promise<Backlog> {
  const { database, renditionJobs, storeNamed } = services;
  const stores = mediaStoreNames.filter((name) => storeNamed(name)?.makesRenditions === false);
  const completion = (post: PostToComplete): Completion => {
    const { kinds, replacesExisting } = completionOf(post, all);
    return { kinds: kinds.filter(renditionJobs.canMake), replacesExisting };
  };
  let [posts, jobs, lastPostId] = [0, 0, ""];
  while (!signal.aborted) {
    const page = await database.renditionBacklog.addPage(
      stores,
      lastPostId,
      pageSize,
      completion,
      new Date(),
    );
    if (page.last === undefined) return { posts, jobs, lastPostId, isComplete: true };
    lastPostId = page.last;
    posts += page.posts;
    jobs += page.jobs;
  }
  return { posts, jobs, lastPostId, isComplete: false };
}

/**
 * Decides which renditions of a post to make. Whether the large view can show an original is known only once its file is
 * read, so a job may find nothing to do.
 */
export function completionOf(post: PostToComplete, all: boolean): Completion {
  const hasThumbnail = renditionKeyAt(post.thumbnailUrl) !== undefined;
  const hasDisplay = renditionKeyAt(post.displayUrl) !== undefined;
  if (post.fileType === "image") {
    const hasAll = hasThumbnail && post.placeholder !== null && (hasDisplay || !mayNeedDisplay(post));
    return all || !hasAll
      ? {
          kinds: ["picture"],
          // A placeholder is made with its thumbnail.
          replacesExisting: all ? hasThumbnail || hasDisplay : hasThumbnail && post.placeholder === null,
        }
      : { kinds: [], replacesExisting: false };
  }
  const kinds: RenditionKind[] = [
    // An existing poster stays, because it may be an image that the author sent: the row does not say.
    ...(hasThumbnail ? [] : ["poster" as const]),
    ...(all || !hasDisplay ? ["mp4" as const] : []),
  ];
  return { kinds, replacesExisting: all && hasDisplay };
}

/** Whether the large view may need a display size of an image. */
export const mayNeedDisplay = ({
  contentType,
  width,
  height,
}: Pick<PostToComplete, "contentType" | "width" | "height">) =>
  contentType === "image/heic" ||
  width === null ||
  height === null ||
  Math.max(width, height) > displayLongSide;
