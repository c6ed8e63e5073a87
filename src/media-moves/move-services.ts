import type { DiskSpace } from "../observability/disk-space.ts";
import type { DiskStore } from "../storage/disk-store.ts";
import type { PostServices } from "../uploads/upload-services.ts";
import type { BytePace } from "./byte-pace.ts";

/** The services that move posts between stores. */
export type MoveServices = Pick<
  PostServices,
  "database" | "storeNamed" | "deadlineFor" | "mediaWorkers" | "renditionJobs"
> & {
  /** The store whose files can be read in place. */
  readonly disk: DiskStore;
  readonly space: Pick<DiskSpace, "claim">;
  /** The folder for temp files, on the disk store's file system. */
  readonly tempDir: string;
  /** Limits the speed of everything that is sent to other machines or received from them. */
  readonly pace: BytePace;
};
