import type { Database } from "../database/database.ts";
import type { RenditionKind } from "../database/schema.ts";
import type { Log } from "../observability/log.ts";
import type { Metrics } from "../observability/metrics.ts";
import type { MediaWorkers } from "./media-workers.ts";
import type { UploadFolder } from "./resumable/upload-folder.ts";
import type { MediaStore } from "../storage/media-store.ts";

/** Makes the renditions that an upload leaves for later. */
export interface RenditionJobs {
  /** Whether this service can make renditions of this kind: renditions of videos need ffmpeg. */
  canMake(kind: RenditionKind): boolean;
  /** Starts jobs that are due now; call it after new ones were committed. */
  wake(): void;
}

/** The services used from an upload to the deletion of its post. */
export interface PostServices {
  readonly database: Database;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly mediaWorkers: MediaWorkers;
  readonly renditionJobs: RenditionJobs;
  /** The store for new uploads. */
  readonly store: MediaStore;
  /** Returns the store of a post's bytes; undefined if it is no longer configured. */
  readonly storeNamed: (name: string) => MediaStore | undefined;
  /** Seconds that a store may take for a file of this size; pass 0 for calls that transfer no file. */
  readonly deadlineFor: (bytes: number) => number;
  /** Bytes that the posts of one account may have; undefined for no limit. */
  readonly userQuota: number | undefined;
  readonly uploadFolder: UploadFolder;
  /** Ids of uploads that run in this process; the sweeper does not touch them. */
  readonly running: Set<string>;
  /**
   * Ids of uploads with an unknown outcome, because the database failed. The sweeper abandons them without waiting for
   * the grace period, so that their upload keys can be used again.
   */
  readonly unsettled: Set<string>;
}
