import type { Database } from "../database/database.ts";
import type { Log } from "../observability/log.ts";
import type { Metrics } from "../observability/metrics.ts";
import type { MediaWorkers } from "./media-workers.ts";
import type { MediaStore } from "../storage/media-store.ts";

/** What the life of a post needs. */
export interface PostServices {
  readonly database: Database;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly mediaWorkers: MediaWorkers;
  /** Where new uploads go. */
  readonly store: MediaStore;
  /** The store that has a post's bytes; undefined when it is not configured any more. */
  readonly storeNamed: (name: string) => MediaStore | undefined;
  /** Seconds that a store may take for a file of so many bytes; 0 for a call that moves none. */
  readonly deadlineFor: (bytes: number) => number;
  /** Ids of the uploads this process is working on: the sweeper keeps its hands off them. */
  readonly running: Set<string>;
  /**
   * Ids of uploads that this process does not know the end of, because the database could not be asked any more:
   * the sweeper gives them up without waiting for the grace, so that their upload keys can be used again.
   */
  readonly unsettled: Set<string>;
}
