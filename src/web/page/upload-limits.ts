import { kindOf } from "./file-kind.ts";
import { settings } from "./settings.ts";

/** Files of more bytes are sent as resumable uploads, which survive a lost connection and a reload of the page. */
const resumableFromBytes = 5 * 1024 ** 2;

/** The same for videos where the service makes no posters: a resumable upload has no place for the browser's. */
const resumableFromBytesWithPoster = 50 * 1024 ** 2;

/** Whether a file is sent as a resumable upload. */
export const isResumable = (file: File): boolean =>
  file.size >
  (kindOf(file) === "video" && !settings.makesPosters ? resumableFromBytesWithPoster : resumableFromBytes);
