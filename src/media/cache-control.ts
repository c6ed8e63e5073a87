/**
 * `Cache-Control` of media (RFC 9111, 5.2.2; RFC 8246). The bytes of a key never change, so browsers keep them for a
 * year. Shared caches (a CDN) must ask again after five minutes, because a post can be deleted.
 */
const sharedSeconds = 300;

export const mediaCacheControl = `public, max-age=31536000, s-maxage=${sharedSeconds}, immutable`;

/** @param browserSeconds how long a browser may follow the redirect without asking again */
export const redirectCacheControl = (browserSeconds: number): string =>
  `public, max-age=${browserSeconds}, s-maxage=${sharedSeconds}`;
