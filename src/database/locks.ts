// Keys of PostgreSQL advisory locks. The numbers are arbitrary; other programs in the database are unlikely to use them.

/** Held while the schema is changed. */
export const migrationLock = 7_201_907;

/** Held while a post is published, so that posts become visible in the order of their `created_at`. */
export const publishLock = 7_201_908;
