import { join } from "node:path";

import { videoToolsFor } from "./video-tools.ts";
import { isToBeMade, type Maker } from "./made-renditions.ts";

/** Makes an MP4 that every browser plays of a video that is not playable itself. */
export const makeMp4: Maker = async (services, job, original, folder, signal) => {
  const { tools, video } = videoToolsFor(services, original);
  const facts = await services.mediaWorkers.readVideo(original, job.userId, job.bytes, signal);
  const lengthOf = (seconds: number | null | undefined) =>
    job.durationSeconds === null && seconds != null ? { durationSeconds: seconds } : {};
  if (!isToBeMade(job.displayUrl, job)) return lengthOf(facts.durationSeconds);
  if (facts.isPlayable) return { display: null, ...lengthOf(facts.durationSeconds) };
  const path = join(folder, "video.mp4");
  const made = await tools.makeMp4(video, path, signal);
  return {
    display: { path, bytes: Bun.file(path).size },
    ...lengthOf(facts.durationSeconds ?? made.durationSeconds),
  };
};
