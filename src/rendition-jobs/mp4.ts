import { join } from "node:path";

import { filmToolsFor } from "./film.ts";
import type { Maker } from "./made-renditions.ts";

/** Makes an MP4 that every browser plays of a video that is not one itself. */
export const makeMp4: Maker = async (services, job, original, folder, signal) => {
  const { tools, film } = filmToolsFor(services, original);
  const path = join(folder, "film.mp4");
  const { durationSeconds } = await tools.makeMp4(film, path, signal);
  return {
    display: { path, bytes: Bun.file(path).size },
    ...(job.durationSeconds === null && durationSeconds !== undefined && { durationSeconds }),
  };
};
