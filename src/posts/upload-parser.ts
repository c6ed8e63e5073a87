import { mkdir, rm } from "node:fs/promises";

import { stageUpload, type StagedUpload } from "../media/staging.ts";
import type { Services } from "../services.ts";

/** Seconds without a byte after which a client is taken for gone. */
const stallTimeout = 30;

/** As much of Elysia's context as the parser needs. */
interface Context {
  request: Request;
}

/**
 * The parser of `/upload`, for who is signed in: streams the body to a temp file, in constant memory, and hands out `{file, caption}` for
 * the route's schema. What it learned on the way stays beside it, by request. The temp file is the parser's when
 * parsing fails; in every other case the route discards it after its response.
 */
export function uploadParser({ config, tempDir, limits, connections, viewers }: Services) {
  const staged = new WeakMap<Request, StagedUpload>();
  return {
    async parse({ request }: Context): Promise<{ file: Blob; caption?: string }> {
      await limits.upload({
        address: connections.addressOf(request),
        account: viewers.of(request).viewer.id,
      });
      // Another machine may have taken it for a dead process's.
      await mkdir(tempDir, { recursive: true, mode: 0o700 });
      const upload = await stageUpload(request, {
        folder: tempDir,
        maxBytes: { image: config.maxImageSize, video: config.maxVideoSize },
        onProgress: () => connections.limitSilence(request, stallTimeout),
      });
      staged.set(request, upload);
      return { file: upload.file, ...(upload.caption === undefined ? {} : { caption: upload.caption }) };
    },

    stagedFor(request: Request): StagedUpload {
      const upload = staged.get(request);
      if (!upload) throw new Error("no upload was staged for this request");
      return upload;
    },

    /** What cannot be removed goes with its folder, at the next start. */
    async discard(request: Request): Promise<void> {
      const path = staged.get(request)?.file.name;
      if (path) await Promise.allSettled([path, `${path}.thumb`].map((file) => rm(file, { force: true })));
    },
  };
}
