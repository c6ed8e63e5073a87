import { join } from "node:path";

import { renditionKeyAt } from "../storage/media-keys.ts";
import { displayPath, thumbnailPath } from "../uploads/files-beside.ts";
import { isToBeMade, type MadeFile, type MadeRenditions, type Maker } from "./made-renditions.ts";

/** Makes the thumbnail, the placeholder and the display size of an image, unless the post has current ones. */
export const makePicture: Maker = async ({ mediaWorkers }, job, original, folder, signal) => {
  const [thumbnail, display] = [isToBeMade(job.thumbnailUrl, job), isToBeMade(job.displayUrl, job)];
  const output = join(folder, "picture");
  const wanted = { thumbnail, display: display ? "if needed" : "never" } as const;
  const made = await mediaWorkers.makePictures(
    { ...original, output, ...wanted },
    job.userId,
    job.bytes,
    signal,
  );
  const fileOf = (path: string, bytes: number | null) => (bytes === null ? null : { path, bytes });
  return {
    ...(thumbnail && thumbnailOf(fileOf(thumbnailPath(output), made.thumbnail), job.thumbnailUrl)),
    ...(display && { display: fileOf(displayPath(output), made.display) }),
    ...(made.placeholder !== null && { placeholder: made.placeholder }),
  };
};

/** An earlier version stays if none can be made now. */
const thumbnailOf = (thumbnail: MadeFile | null, earlier: string | null): MadeRenditions =>
  thumbnail === null && renditionKeyAt(earlier) !== undefined ? {} : { thumbnail };
