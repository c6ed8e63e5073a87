import { ApiError } from "../errors.ts";

/** Seconds after which a refused client may try again: about as long as a photo takes. */
const retryAfterSeconds = 2;

/** Uploads of all accounts at once: each takes some 10 MB of memory while its body comes in. */
const mostUploads = 100;

/** Bounds how many uploads this process works on at once, from before the body to the answer. */
export interface UploadSlots {
  /**
   * Takes a slot of the account. Of all slots, the second half is for accounts that have no other.
   * @returns a function that gives it back; calling it again does nothing
   * @throws ApiError TOO_MANY_UPLOADS with `Retry-After` when the account has none left; OVERLOADED when there is none
   */
  take(accountId: string): () => void;
}

/** @param perAccount slots of every account */
export function createUploadSlots(perAccount: number): UploadSlots {
  const taken = new Map<string, number>();
  let total = 0;
  return {
    take(accountId) {
      const others = taken.get(accountId) ?? 0;
      if (others >= perAccount)
        throw new ApiError("TOO_MANY_UPLOADS", {
          detail: `Too many uploads at once: at most ${perAccount}`,
          headers: { "retry-after": String(retryAfterSeconds) },
        });
      if (total >= mostUploads || (total >= mostUploads / 2 && others > 0)) throw new ApiError("OVERLOADED");
      taken.set(accountId, others + 1);
      total += 1;
      let held = true;
      return () => {
        if (!held) return;
        held = false;
        total -= 1;
        const left = (taken.get(accountId) ?? 1) - 1;
        if (left > 0) taken.set(accountId, left);
        else taken.delete(accountId);
      };
    },
  };
}
