/** Milliseconds without a request that sends bytes, after which an upload expires. */
const lifetimeMs = 24 * 3_600_000;

export const expiryFrom = (nowMs: number): Date => new Date(nowMs + lifetimeMs);
