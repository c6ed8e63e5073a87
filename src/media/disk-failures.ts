import { ApiError } from "../errors.ts";

const full = ["ENOSPC", "EDQUOT"];
/** What no defect of ours brings about: a disk that fails, cannot be written or is somebody else's. */
const unavailable = ["EACCES", "EBUSY", "EIO", "EMFILE", "ENFILE", "ENOTDIR", "EPERM", "EROFS", "ESTALE"];

/** The system's name for an error, like `ENOENT`; empty where it has none. */
export const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException | null)?.code ?? "";

/** A failure to keep something in the API's words: `STORAGE_FULL` without space or quota, else `STORE_UNAVAILABLE`. */
export function diskError(cause: unknown): ApiError {
  return new ApiError(full.includes(codeOf(cause)) ? "STORAGE_FULL" : "STORE_UNAVAILABLE", { cause });
}

/** The same of any error; undefined where it is none of the disk's. */
export function diskFailure(error: unknown): ApiError | undefined {
  return [...full, ...unavailable].includes(codeOf(error)) ? diskError(error) : undefined;
}
