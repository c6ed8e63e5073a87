import { join } from "node:path";

import { thumbnailPath } from "../uploads/files-beside.ts";
import { videoToolsFor } from "./video-tools.ts";
import type { Maker } from "./made-renditions.ts";

/** Makes the thumbnail and the placeholder of a video from one of its frames. */
export const makePoster: Maker = async (services, job, original, folder, signal) => {
  const { tools, video } = videoToolsFor(services, original);
  const [frame, output] = [join(folder, "frame.png"), join(folder, "poster")];
  await tools.makePoster(video, frame, signal);
  const { thumbnail, placeholder } = await services.mediaWorkers.makePictures(
    { path: frame, type: "image/png", output, thumbnail: true, display: "never" },
    job.userId,
    Bun.file(frame).size,
    signal,
  );
  return {
    ...(thumbnail !== null && { thumbnail: { path: thumbnailPath(output), bytes: thumbnail } }),
    ...(placeholder !== null && { placeholder }),
  };
};
