import type { Box, BoxReader } from "./boxes.ts";
import type { TrackFragment } from "./fragments.ts";
import type { BlankedMovie } from "./movie.ts";
import { durationAt, movieClock, seconds } from "./track-times.ts";
import { recordableDuration } from "../plan.ts";

/**
 * Determines the playing time of a movie: of its fragments, or else from the headers of the movie or its longest track.
 * @returns seconds; null if no part of the file says
 */
export async function movieDuration(
  reader: BoxReader,
  movie: BlankedMovie,
  fragments: readonly TrackFragment[],
): Promise<number | null> {
  const times = movie.tracks.map((track) => track.times);
  const longest = (values: readonly number[]) => Math.max(0, ...values);
  const clock = await movieClock(reader, movie.box);
  const candidates = [
    fragmentedDuration(movie, fragments),
    seconds(clock?.duration ?? 0, clock?.timescale ?? 0),
    longest(times.map(({ shown }) => shown)),
    longest(times.map(({ media }) => media)),
    seconds(await declaredDuration(reader, movie.box), clock?.timescale ?? 0),
  ];
  for (const candidate of candidates) {
    const duration = recordableDuration(candidate);
    if (duration !== null) return duration;
  }
  return null;
}

/** Reads the duration of all fragments in `mehd` (section 8.8.2), which recorders may not have updated. */
async function declaredDuration(reader: BoxReader, movie: Box): Promise<number> {
  const header = await reader.find(movie, "mvex", "mehd");
  const content = header && (await reader.content(header, Math.min(12, header.end - header.body)));
  return content && content.length >= (content[0] === 1 ? 12 : 8) ? durationAt(content, 4) : 0;
}

/** Returns the time in seconds from the first sample to the end of the last one; 0 without fragments. */
function fragmentedDuration(movie: BlankedMovie, fragments: readonly TrackFragment[]): number {
  let [start, end] = [Infinity, 0];
  const parts = Map.groupBy(fragments, ({ track }) => track);
  for (const { id, times } of movie.tracks) {
    const ofTrack = parts.get(id) ?? [];
    if (ofTrack.length === 0 || times.timescale === 0) continue;
    const first = times.media > 0 ? 0 : (ofTrack[0]?.time ?? 0);
    let [next, last] = [times.media * times.timescale, 0];
    for (const { time, runs } of ofTrack) {
      next = runs.reduce((sum, { duration }) => sum + duration, time ?? next);
      last = Math.max(last, next);
    }
    start = Math.min(start, first / times.timescale);
    end = Math.max(end, last / times.timescale + times.shift);
  }
  return end > start ? end - start : 0;
}
