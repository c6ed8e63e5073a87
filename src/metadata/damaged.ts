import { ApiError } from "../errors.ts";

/**
 * Returns the error for a file that is truncated, contradicts its format or needs more work than any real file.
 * @param cause for the log, never sent to the client
 * @param detail replaces the general text in the response, where it helps the user
 */
export function damaged(cause: string, detail?: string): ApiError {
  return new ApiError("DAMAGED_MEDIA", { cause, ...(detail === undefined ? {} : { detail }) });
}

/**
 * Returns the error for a picture that is valid up to the point where the file ends.
 * @param cause for the log, never sent to the client
 */
export function cutOff(cause: string): ApiError {
  return new ApiError("CUT_OFF_MEDIA", { cause });
}
