import { mkdir, rm } from "node:fs/promises";

import { createYieldToEventLoop } from "../concurrency/yield-to-event-loop.ts";
import { filesBeside } from "./preparation.ts";
import { stageUpload, type StagedUpload } from "./staging.ts";
import { createUploadSlots } from "./upload-slots.ts";
import type { RateLimits } from "../accounts/rate-limits.ts";
import type { Viewers } from "../accounts/authenticator.ts";
import type { Config } from "../config/config.ts";
import type { Connections } from "../http/connections.ts";
import type { MediaWorkers } from "./media-workers.ts";
import type { DiskSpace } from "../observability/disk-space.ts";

export interface UploadServices {
  readonly config: Pick<Config, "maxImageSize" | "maxVideoSize" | "uploadsPerAccount">;
  /** Where uploads are staged: a folder of this process, on the file system of the disk store. */
  readonly tempDir: string;
  readonly limits: RateLimits;
  readonly connections: Connections;
  readonly viewers: Viewers;
  readonly mediaWorkers: MediaWorkers;
  /** Refuses uploads when the disk is nearly full. */
  readonly space: DiskSpace;
}

/** As much of Elysia's context as the parser needs. */
interface Context {
  request: Request;
}

/**
 * The parser of `/upload`, for signed-in users: streams the body to a temp file, in constant memory, and hands out
 * `{file, caption}` for the route's schema. What it learned on the way stays beside it, by request. The parser cleans up
 * when parsing fails; in every other case the route has it clean up after its response.
 */
export function uploadParser({
  config,
  tempDir,
  limits,
  connections,
  viewers,
  mediaWorkers,
  space,
}: UploadServices) {
  const slots = createUploadSlots(config.uploadsPerAccount);
  const yieldToEventLoop = createYieldToEventLoop();
  const held = new WeakMap<Request, { upload: StagedUpload; releaseSlot: () => void }>();

  return {
    async parse({ request }: Context): Promise<{ file: Blob; caption?: string }> {
      const account = viewers.of(request).viewer.id;
      const releaseSlot = slots.take(account);
      try {
        await limits.upload({ address: connections.addressOf(request), account });
        mediaWorkers.warmUp();
        // Another machine may have taken it for a dead process's.
        await mkdir(tempDir, { recursive: true, mode: 0o700 });
        const upload = await stageUpload(request, {
          folder: tempDir,
          maxBytes: { image: config.maxImageSize, video: config.maxVideoSize },
          space: { claim: (bytes) => space.claim(account, bytes) },
          yieldToEventLoop,
        });
        held.set(request, { upload, releaseSlot });
        return { file: upload.file, ...(upload.caption === undefined ? {} : { caption: upload.caption }) };
      } catch (error) {
        releaseSlot();
        throw error;
      }
    },

    stagedFor(request: Request): StagedUpload {
      const found = held.get(request);
      if (!found) throw new Error("no upload was staged for this request");
      return found.upload;
    },

    /** Removes the temp files and frees the account's slot. What cannot be removed goes with its folder at the next start. */
    async discard(request: Request): Promise<void> {
      const found = held.get(request);
      if (!found) return;
      const path = found.upload.file.name ?? "";
      await Promise.allSettled([path, ...filesBeside(path)].map((file) => rm(file, { force: true })));
      found.releaseSlot();
    },
  };
}
