/** Lifetime in shared caches such as a CDN: short, because a post can be deleted. */
const sharedLifetimeSeconds = 300;

/**
 * `Cache-Control` of media (RFC 9111, 5.2.2; RFC 8246). The bytes of a key never change, so browsers may keep them for a
 * year.
 */
export const mediaCacheControl = `public, max-age=31536000, s-maxage=${sharedLifetimeSeconds}, immutable`;

/** @param browserLifetimeSeconds how long a browser may reuse the redirect */
export const redirectCacheControl = (browserLifetimeSeconds: number): string =>
  `public, max-age=${browserLifetimeSeconds}, s-maxage=${sharedLifetimeSeconds}`;
