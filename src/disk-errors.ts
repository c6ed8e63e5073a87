import { ApiError } from "./errors.ts";

const outOfSpace = ["ENOSPC", "EDQUOT"];
/** Errors caused by the disk or its permissions rather than by a bug. */
const unavailable = ["EACCES", "EBUSY", "EIO", "EMFILE", "ENFILE", "ENOTDIR", "EPERM", "EROFS", "ESTALE"];

/** The code of a system error, such as `ENOENT`; empty for other errors. */
export const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException | null)?.code ?? "";

/** Returns `STORAGE_FULL` if space or quota has run out, otherwise `STORE_UNAVAILABLE`. */
export function diskError(cause: unknown): ApiError {
  return new ApiError(outOfSpace.includes(codeOf(cause)) ? "STORAGE_FULL" : "STORE_UNAVAILABLE", { cause });
}

/** Like {@link diskError}, but returns undefined for errors that did not come from the disk. */
export function diskFailure(error: unknown): ApiError | undefined {
  return [...outOfSpace, ...unavailable].includes(codeOf(error)) ? diskError(error) : undefined;
}
