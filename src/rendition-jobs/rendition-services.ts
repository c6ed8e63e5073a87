import type { DiskSpace } from "../observability/disk-space.ts";
import type { VideoTools } from "../renditions/ffmpeg/video-tools.ts";
import type { DiskStore } from "../storage/disk-store.ts";
import type { PostServices } from "../uploads/upload-services.ts";

/** The services that make renditions. */
export type RenditionServices = Pick<
  PostServices,
  "database" | "log" | "metrics" | "mediaWorkers" | "storeNamed" | "deadlineFor"
> & {
  /** Undefined: videos get no renditions. */
  readonly videoTools: VideoTools | undefined;
  /** The store whose files can be read in place. */
  readonly disk: DiskStore;
  /** Keeps the disk from filling up, as for uploads. */
  readonly space: Pick<DiskSpace, "claim">;
  /** The folder for temp files, on the disk store's file system. */
  readonly tempDir: string;
};
