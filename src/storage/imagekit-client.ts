import type ImageKit from "imagekit";

import { boundedFetch } from "../http/bounded-fetch.ts";

/** How to reach ImageKit's API. */
export interface ImageKitAccess {
  readonly privateKey: string;
  /** Replaces the vendor's hosts for every API call; null for the vendor's own. */
  readonly baseUrl: string | null;
}

/** Timeout of one call to the management API. */
export const requestTimeoutMs = 10_000;

/** Bytes of a response. A page of the list has 1,000 files with about 1 kB each, or more with tags. */
const maxResponseBytes = 32 * 1024 ** 2;

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
    fetch: boundedFetch(maxResponseBytes),
  });
}

/** Options of a call that is aborted by the signal or after the timeout, which the SDK takes as an integer only. */
export function requestOptions(timeoutMs: number, signal: AbortSignal) {
  return { maxRetries: 0, timeout: Math.max(1, Math.round(timeoutMs)), signal };
}

/** A successful response that cannot be used: status 202, no `fileId`, or no JSON. */
export class UnexpectedResponse extends Error {}
