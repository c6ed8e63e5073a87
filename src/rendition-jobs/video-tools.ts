import type { MediaType } from "../media-types.ts";
import type { VideoFile } from "../renditions/ffmpeg/video-file.ts";
import type { VideoTools } from "../renditions/ffmpeg/video-tools.ts";
import type { Original } from "./made-renditions.ts";
import type { RenditionServices } from "./rendition-services.ts";

/**
 * Returns an original as a video, and the tools that convert it.
 * @throws Error if it is an image, or without ffmpeg
 */
export function videoToolsFor(
  { videoTools: tools }: Pick<RenditionServices, "videoTools">,
  { path, type }: Original,
): { tools: VideoTools; video: VideoFile } {
  if (!tools) throw new Error("ffmpeg is not installed");
  if (!isVideo(type)) throw new Error(`${type} is not a video`);
  return { tools, video: { path, type } };
}

const isVideo = (type: MediaType): type is Extract<MediaType, `video/${string}`> => type.startsWith("video/");
