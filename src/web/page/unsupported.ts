import { formatNames } from "../../media-types.ts";
import { settings } from "./settings.ts";
import { text } from "./texts/text.ts";

/** Returns a message that lists the formats that the service accepts. */
export const unsupported = (): string =>
  text("unsupported", {
    photos: formatNames("image", settings.accepted),
    videos: formatNames("video", settings.accepted),
  });
