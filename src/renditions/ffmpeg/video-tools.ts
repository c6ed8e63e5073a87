import { untilAborted } from "../../concurrency/until-aborted.ts";
import type { FfmpegPrograms } from "../../config/ffmpeg-programs.ts";
import type { Size } from "../sizes.ts";
import { readCapabilities, type Capabilities } from "./ffmpeg.ts";
import type { VideoFile } from "./video-file.ts";
import { makeMp4 } from "./mp4.ts";
import { makePoster } from "./poster.ts";
import { rewrapTransportStream } from "./transport-stream.ts";
import type { Mp4Facts } from "./mp4-file.ts";

/**
 * Converts videos with the system's ffmpeg, in processes with limits of time, memory and output, at a low priority. Callers
 * limit how many run at once. Paths are absolute. An output is complete, or does not exist.
 * Conversions throw VideoError, which says whether another attempt may succeed, or the signal's reason when it aborts.
 */
export interface VideoTools {
  /**
   * Returns the capabilities of this ffmpeg, which is asked once.
   * @throws VideoError `interrupted` if it cannot be run
   */
  capabilities(): Promise<Capabilities>;
  /** See {@link makePoster}. Returns the size of the PNG. */
  makePoster(file: VideoFile, output: string, signal: AbortSignal): Promise<Size>;
  /** See {@link makeMp4}. */
  makeMp4(file: VideoFile, output: string, signal: AbortSignal): Promise<Mp4Facts>;
  /** See {@link rewrapTransportStream}. */
  rewrapTransportStream(path: string, output: string, signal: AbortSignal): Promise<Mp4Facts>;
}

export function createVideoTools(programs: FfmpegPrograms): VideoTools {
  let asked: Promise<Capabilities> | undefined;
  /** Asks once for all callers, so no caller's signal may end it. Asks again after a failure. */
  const capabilities = () =>
    (asked ??= readCapabilities(programs, new AbortController().signal).catch((error: unknown) => {
      asked = undefined;
      throw error;
    }));
  return {
    capabilities,
    makePoster: async (file, output, signal) =>
      makePoster(programs, await untilAborted(signal, capabilities), file, output, signal),
    makeMp4: async (file, output, signal) =>
      makeMp4(programs, await untilAborted(signal, capabilities), file, output, signal),
    async rewrapTransportStream(path, output, signal) {
      // An ffmpeg that does not work must not make videos look damaged.
      await untilAborted(signal, capabilities);
      return rewrapTransportStream(programs, path, output, signal);
    },
  };
}
