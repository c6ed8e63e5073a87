import { rm } from "node:fs/promises";

import type { FfmpegPrograms } from "../../config/ffmpeg-programs.ts";
import { FilmError } from "./film-error.ts";
import { readStreams } from "./film-streams.ts";
import { shownSize } from "./picture-filters.ts";

/** An MP4 that a conversion has written. */
export interface Mp4Film {
  /** In pixels, as shown. */
  readonly width: number;
  readonly height: number;
  readonly durationSeconds: number | undefined;
  readonly hasAudio: boolean;
}

/**
 * Checks that the output of a conversion has frames: ffmpeg succeeds with sound alone if it could decode none.
 * @throws FilmError, after the file has been removed; the signal's reason
 */
export async function verifiedFilm(
  programs: FfmpegPrograms,
  path: string,
  signal: AbortSignal,
): Promise<Mp4Film> {
  try {
    const { video, audio, durationSeconds } = await readStreams(
      programs,
      { path, type: "video/mp4" },
      signal,
    );
    if (video.frames === undefined) throw new FilmError("damaged", "no frame could be decoded");
    const { width, height } = shownSize(video, Infinity, Infinity, 1);
    return { width, height, durationSeconds, hasAudio: audio !== undefined };
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}
