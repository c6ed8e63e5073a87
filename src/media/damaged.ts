import { ApiError } from "../errors.ts";

/**
 * The error for a file that is cut, contradicts its format or asks for more work than any real file needs.
 * @param why for the log, never sent
 */
export function damaged(why: string): ApiError {
  return new ApiError("DAMAGED_MEDIA", { cause: why });
}
