import { codeOf, diskFailure } from "../disk-errors.ts";
import { ApiError, type ApiErrorCode } from "../errors.ts";

/** The post cannot be moved, and another attempt would not help. The message says why. */
export class PostNotMovable extends Error {
  override readonly name = "PostNotMovable";
  /** @param isRefusal whether a store refused it without a reason that concerns this post */
  constructor(
    message: string,
    readonly isRefusal = false,
  ) {
    super(message);
  }
}

/** A store cannot be used, so no further post can be moved. The message says which and why. */
export class StoreUnusable extends Error {
  override readonly name = "StoreUnusable";
}

/** A call to a store failed. */
export class StoreCallFailed extends Error {
  override readonly name = "StoreCallFailed";
  constructor(
    readonly store: string,
    readonly code: ApiErrorCode,
    cause: unknown,
  ) {
    super(`${store}: ${reasonOf(code, cause)}`, { cause });
  }
}

/** The store's own reason, which has no secrets: see `MediaStore`. */
function reasonOf(code: ApiErrorCode, cause: unknown): string {
  const reason = cause instanceof Error ? cause.message : "";
  const meaning = {
    STORAGE_FULL: "there is no space left",
    FILE_TOO_LARGE: "the file is too large",
    STORE_UNAVAILABLE: "it gives no usable answer",
  }[code as string];
  return [meaning ?? "it refuses the call", reason && `(${reason})`].filter(Boolean).join(" ");
}

/**
 * Runs a call to a store.
 * @param deadline aborts a call that takes too long
 * @throws StoreCallFailed; the reason of `signal` when that aborts
 */
export async function callStore<T>(
  store: string,
  { signal, deadline }: { readonly signal: AbortSignal; readonly deadline: AbortSignal },
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  try {
    return await call(AbortSignal.any([signal, deadline]));
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof PostNotMovable) throw error;
    if (error instanceof ApiError) throw new StoreCallFailed(store, error.code, error.cause);
    const full = diskFailure(error);
    if (full) throw new StoreCallFailed("disk", full.code, error);
    // Not the message of a connection's error, which may hold a signed address.
    const reason = deadline.aborted
      ? "it took too long"
      : `the connection failed: ${codeOf(error) || "unknown"}`;
    throw new StoreCallFailed(store, "STORE_UNAVAILABLE", new Error(reason));
  }
}
