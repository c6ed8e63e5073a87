import type { ClaimedJob } from "../database/rendition-jobs.ts";
import type { MediaType } from "../media-types.ts";
import { parseRenditionKey, renditionKeyAt } from "../storage/media-keys.ts";
import type { RenditionServices } from "./rendition-services.ts";

/** A rendition in a temp file. */
export interface MadeFile {
  readonly path: string;
  readonly bytes: number;
}

/** The result of a job. An omitted field stays as it is; null means that the post has none. */
export interface MadeRenditions {
  readonly thumbnail?: MadeFile | null;
  readonly display?: MadeFile | null;
  readonly placeholder?: string;
  readonly durationSeconds?: number;
}

/** The original of a job, in a file that must not be changed. */
export interface Original {
  readonly path: string;
  readonly type: MediaType;
}

/**
 * Makes the renditions of a job.
 * @param folder an empty folder for the files
 * @throws ApiError; VideoError; the signal's reason
 */
export type Maker = (
  services: RenditionServices,
  job: ClaimedJob,
  original: Original,
  folder: string,
  signal: AbortSignal,
) => Promise<MadeRenditions>;

/** Whether there is no rendition at this address, or one that the job is to replace. */
export function isToBeMade(url: string | null, { version }: ClaimedJob): boolean {
  const key = renditionKeyAt(url);
  const made = key === undefined ? undefined : parseRenditionKey(key);
  return made === undefined || made.version < version;
}
