import { mkdir } from "node:fs/promises";

import type { YieldToEventLoop } from "../concurrency/yield-to-event-loop.ts";
import { requireQuotaLeft, type QuotaServices } from "./quota.ts";
import { discardStaged } from "./staged-upload.ts";
import { stageUpload } from "./staging.ts";
import type { StagedUpload } from "./upload-form.ts";
import type { RewrapUpload } from "./transport-stream.ts";
import type { UploadSlots } from "./upload-slots.ts";
import type { RateLimits } from "../accounts/rate-limits.ts";
import type { Authenticator } from "../accounts/authenticator.ts";
import type { Config } from "../config/config.ts";
import type { Connections } from "../http/connections.ts";
import type { MediaWorkers } from "./media-workers.ts";
import type { DiskSpace } from "../observability/disk-space.ts";

export interface UploadServices extends QuotaServices {
  readonly config: Pick<Config, "maxImageSize" | "maxVideoSize" | "uploadsPerAccount">;
  /** Folder of this process where uploads are staged, on the file system of the disk store. */
  readonly tempDir: string;
  readonly limits: RateLimits;
  readonly connections: Connections;
  readonly authenticator: Authenticator;
  readonly mediaWorkers: MediaWorkers;
  /** Refuses uploads when the disk is nearly full. */
  readonly space: DiskSpace;
  /** Undefined without ffmpeg. */
  readonly rewrapUpload: RewrapUpload | undefined;
  readonly uploadSlots: UploadSlots;
  /** The share of the event loop that all uploads have together. */
  readonly yieldToEventLoop: YieldToEventLoop;
}

/** The fields of the form, for the route's schema. */
interface UploadFields {
  readonly file: Blob;
  readonly thumbnail?: Blob;
  readonly caption?: string;
  readonly alt?: string;
}

/**
 * The parser of `/upload`, which runs after authentication. It streams the body to temp files in constant memory, and
 * returns its fields for the route's schema; `stagedFor` returns the rest. The parser cleans up if parsing
 * fails; otherwise the route must call `discard` after its response.
 */
export function uploadParser(services: UploadServices) {
  const { config, tempDir, limits, connections, authenticator, mediaWorkers, space, rewrapUpload } = services;
  const { uploadSlots, yieldToEventLoop } = services;
  const staged = new WeakMap<Request, { upload: StagedUpload; releaseSlot: () => void }>();

  return {
    async parse({ request }: { request: Request }): Promise<UploadFields> {
      const account = authenticator.signedInUser(request).viewer.id;
      const releaseSlot = uploadSlots.take(account);
      try {
        await limits.upload({ address: connections.addressOf(request), account });
        const quotaLeft = await requireQuotaLeft(services, account, request.headers);
        mediaWorkers.warmUp();
        // Another machine may have removed the folder as that of a dead process.
        await mkdir(tempDir, { recursive: true, mode: 0o700 });
        const received = await stageUpload(request, {
          folder: tempDir,
          maxBytes: { image: config.maxImageSize, video: config.maxVideoSize },
          acceptsTransportStreams: rewrapUpload !== undefined,
          quotaLeft,
          space: { claim: (bytes) => space.claim(account, bytes) },
          yieldToEventLoop,
        });
        const upload = rewrapUpload
          ? await rewrapUpload(received, account, request.signal)
          : (received as StagedUpload);
        staged.set(request, { upload, releaseSlot });
        const { file, thumbnail, texts } = upload;
        return { file, ...(thumbnail && { thumbnail: thumbnail.file }), ...texts };
      } catch (error) {
        releaseSlot();
        throw error;
      }
    },

    /** The upload that {@link parse} staged for this request. */
    stagedFor(request: Request): StagedUpload {
      const found = staged.get(request);
      if (!found) throw new Error("no upload was staged for this request");
      return found.upload;
    },

    /** Removes the temp files and releases the account's slot. The next start removes files that cannot be removed now. */
    async discard(request: Request): Promise<void> {
      const found = staged.get(request);
      if (!found) return;
      await discardStaged(found.upload);
      found.releaseSlot();
    },
  };
}
