import { ApiError } from "../errors.ts";

/** Seconds after which a rejected client may retry: about the time that a photo takes. */
const retryAfterSeconds = 2;

/** Concurrent uploads of all accounts. Each takes about 10 MB of memory while its body arrives. */
const maxUploads = 100;

/** Limits the concurrent uploads of this process, from before the body until the response. */
export interface UploadSlots {
  /**
   * Takes a slot for the account. Once half of all slots are taken, accounts that hold a slot get no more.
   * @returns a function that releases the slot; further calls do nothing
   * @throws ApiError TOO_MANY_UPLOADS with `Retry-After` if the account has no slot left; OVERLOADED if the process has
   * none
   */
  take(accountId: string): () => void;
}

/** @param perAccount slots of each account */
export function createUploadSlots(perAccount: number): UploadSlots {
  const taken = new Map<string, number>();
  let total = 0;
  return {
    take(accountId) {
      const held = taken.get(accountId) ?? 0;
      if (held >= perAccount)
        throw new ApiError("TOO_MANY_UPLOADS", {
          detail: `Too many uploads at once: at most ${perAccount}`,
          headers: { "retry-after": String(retryAfterSeconds) },
        });
      if (total >= maxUploads || (total >= maxUploads / 2 && held > 0)) throw new ApiError("OVERLOADED");
      taken.set(accountId, held + 1);
      total += 1;
      let released = false;
      return () => {
        if (released) return;
        released = true;
        total -= 1;
        const left = (taken.get(accountId) ?? 1) - 1;
        if (left > 0) taken.set(accountId, left);
        else taken.delete(accountId);
      };
    },
  };
}
