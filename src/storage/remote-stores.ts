import type { Config } from "../config/config.ts";
import { deadlineFor } from "../config/upload-deadline.ts";
import { ImageKitStore } from "./imagekit-store.ts";
import { S3Store } from "./s3-store.ts";

/** The stores outside of this machine that are configured. */
export function createRemoteStores(config: Pick<Config, "imagekit" | "s3" | "uploadDeadline">): {
  imagekit: ImageKitStore | undefined;
  s3: S3Store | undefined;
} {
  const deadline = (bytes: number) => deadlineFor(bytes, config.uploadDeadline);
  return {
    imagekit: config.imagekit && new ImageKitStore({ ...config.imagekit, deadlineFor: deadline }),
    s3: config.s3 && new S3Store(config.s3),
  };
}
