import type ImageKit from "imagekit";

/** How to reach ImageKit's API. */
export interface ImageKitAccess {
  readonly privateKey: string;
  /** Replaces the vendor's hosts for every API call; null for the vendor's own. */
  readonly baseUrl: string | null;
}

/** Timeout of one call to the management API. */
export const requestTimeoutMs = 10_000;

/** Loads ImageKit's SDK and creates a client. */
export async function createImageKitClient({ privateKey, baseUrl }: ImageKitAccess): Promise<ImageKit> {
  const { default: Client } = await import("imagekit");
  // Every option is set, because the SDK reads missing ones from the environment.
  return new Client({
    privateKey,
    password: "unused",
    webhookSecret: null,
    baseURL: baseUrl,
    logLevel: "off",
  });
}

/**
 * Options of a call that is aborted by the signal or after the timeout. The SDK's own timeout, which must be an integer,
 * covers the response only up to its headers; the signal covers the body too.
 */
export function requestOptions(timeoutMs: number, signal: AbortSignal) {
  const timeout = Math.max(1, Math.round(timeoutMs));
  return { maxRetries: 0, timeout, signal: AbortSignal.any([signal, AbortSignal.timeout(timeout)]) };
}

/** A successful response that cannot be used: status 202, no `fileId`, or no JSON. */
export class UnexpectedResponse extends Error {}
