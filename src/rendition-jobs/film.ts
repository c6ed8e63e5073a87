import type { MediaType } from "../media-types.ts";
import type { Film } from "../renditions/ffmpeg/film.ts";
import type { FilmTools } from "../renditions/ffmpeg/film-tools.ts";
import type { Original } from "./made-renditions.ts";
import type { RenditionServices } from "./rendition-services.ts";

/**
 * Returns an original as a film, with the tools that convert it.
 * @throws Error if it is an image, or there are no tools
 */
export function filmToolsFor(
  { filmTools: tools }: Pick<RenditionServices, "filmTools">,
  { path, type }: Original,
): { tools: FilmTools; film: Film } {
  if (!tools) throw new Error("ffmpeg is not installed");
  if (!isVideo(type)) throw new Error(`${type} is not a video`);
  return { tools, film: { path, type } };
}

const isVideo = (type: MediaType): type is Extract<MediaType, `video/${string}`> => type.startsWith("video/");
