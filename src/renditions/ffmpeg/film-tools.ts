import { untilAborted } from "../../concurrency/until-aborted.ts";
import type { FfmpegPrograms } from "../../config/ffmpeg-programs.ts";
import type { Size } from "../sizes.ts";
import { readCapabilities, type Capabilities } from "./ffmpeg.ts";
import type { Film } from "./film.ts";
import { makeMp4 } from "./mp4.ts";
import { makePoster } from "./poster.ts";
import { rewrapTransportStream } from "./transport-stream.ts";
import type { Mp4Film } from "./mp4-file.ts";

/**
 * Conversions of films by the system's ffmpeg. Each runs in processes with limits of time, memory and output, at a low
 * priority; callers limit how many run at once. Paths are absolute. An output is complete, or does not exist.
 * Conversions throw FilmError, which tells whether another attempt may succeed, or the signal's reason when it aborts.
 */
export interface FilmTools {
  /**
   * Returns what this ffmpeg can do; it is asked once.
   * @throws FilmError `interrupted` if it cannot be run
   */
  capabilities(): Promise<Capabilities>;
  /** See {@link makePoster}. Returns the size of the PNG. */
  makePoster(film: Film, output: string, signal: AbortSignal): Promise<Size>;
  /** See {@link makeMp4}. */
  makeMp4(film: Film, output: string, signal: AbortSignal): Promise<Mp4Film>;
  /** See {@link rewrapTransportStream}. */
  rewrapTransportStream(path: string, output: string, signal: AbortSignal): Promise<Mp4Film>;
}

export function createFilmTools(programs: FfmpegPrograms): FilmTools {
  let asked: Promise<Capabilities> | undefined;
  /** Not ended by the signal of one of its callers. A failure is not remembered. */
  const capabilities = () =>
    (asked ??= readCapabilities(programs, new AbortController().signal).catch((error: unknown) => {
      asked = undefined;
      throw error;
    }));
  return {
    capabilities,
    makePoster: async (film, output, signal) =>
      makePoster(programs, await untilAborted(signal, capabilities), film, output, signal),
    makeMp4: async (film, output, signal) =>
      makeMp4(programs, await untilAborted(signal, capabilities), film, output, signal),
    async rewrapTransportStream(path, output, signal) {
      // An ffmpeg that does not work must not make films look damaged.
      await untilAborted(signal, capabilities);
      return rewrapTransportStream(programs, path, output, signal);
    },
  };
}
