import { join } from "node:path";

import type { ClaimedJob } from "../database/rendition-jobs.ts";
import { isMediaType } from "../media-types.ts";
import { saveStream } from "../storage/save-stream.ts";
import type { Original } from "./made-renditions.ts";
import type { RenditionServices } from "./rendition-services.ts";

/** Whether the original of a job can be read where it is stored, so that no copy is made. */
export const isInPlace = ({ store }: Pick<ClaimedJob, "store">): boolean => store === "disk";

/**
 * Returns the original of a job: in place in the disk store, or as a copy in `folder`.
 * @throws ApiError of the store; Error when the file is missing or larger than its post says; the signal's reason
 */
export async function originalOf(
  services: RenditionServices,
  job: ClaimedJob,
  folder: string,
  signal: AbortSignal,
): Promise<Original> {
  const { storeNamed, disk, deadlineFor } = services;
  const { contentType: type, key, bytes } = job;
  if (!isMediaType(type)) throw new Error(`unknown media type ${type}`);
  const store = storeNamed(job.store);
  if (!store) throw new Error(`no media store "${job.store}" is configured`);
  if (isInPlace(job)) return { path: disk.resolve(key), type };
  const inTime = AbortSignal.any([signal, AbortSignal.timeout(deadlineFor(bytes) * 1000)]);
  const content = await store.read(key, inTime);
  if (!content) throw new Error("the original is missing");
  const path = join(folder, "original");
  await saveStream(content.stream, path, bytes);
  return { path, type };
}
