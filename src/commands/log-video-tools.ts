import type { Log } from "../observability/log.ts";
import type { Services } from "../services.ts";

const noVideoTools = "no posters and no MP4 renditions of videos are made";

/** Logs which ffmpeg the service uses, and which renditions are not made without it or without one of its parts. */
export async function logVideoTools(
  { config, videoTools }: Pick<Services, "config" | "videoTools">,
  log: Log,
): Promise<void> {
  if (!config.ffmpeg || !videoTools) return log.info("ffmpeg.not_used", { effect: noVideoTools });
  const path = config.ffmpeg.ffmpeg;
  try {
    const { version, h264Encoder, canToneMap } = await videoTools.capabilities();
    log.info("ffmpeg.found", { path, version, h264_encoder: h264Encoder, tone_mapping: canToneMap });
    if (h264Encoder === undefined)
      log.warn("ffmpeg.no_encoder", { effect: "videos are converted to MP4 only if they are H.264 already" });
  } catch (error) {
    log.warn("ffmpeg.unusable", { path, effect: noVideoTools, error });
  }
}
