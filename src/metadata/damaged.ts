import { ApiError } from "../errors.ts";

/**
 * The error for a file that is cut, contradicts its format or asks for more work than any real file needs.
 * @param why for the log, never sent
 * @param detail sent in place of the general one, where it helps the user
 */
export function damaged(why: string, detail?: string): ApiError {
  return new ApiError("DAMAGED_MEDIA", { cause: why, ...(detail === undefined ? {} : { detail }) });
}

/**
 * The error for a picture that is cut off: its beginning is fine, and part of it is missing.
 * @param why for the log, never sent
 */
export function cutOff(why: string): ApiError {
  return new ApiError("CUT_OFF_MEDIA", { cause: why });
}
