// Names of PostgreSQL's advisory locks: any numbers that other programs in the same database are unlikely to use.

/** Held while the schema is changed. */
export const migrationLock = 7_201_907;

/** Held while a post is published, so that posts become visible in the order of their `created_at`. */
export const publishLock = 7_201_908;
