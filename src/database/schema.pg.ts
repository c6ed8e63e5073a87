import { pg } from "./kit.ts";
import { createSharedTables, createTables } from "./schema.ts";

/** For drizzle-kit, which reads tables from a module's exports. */
export const {
  users,
  revokedTokens,
  posts,
  sessions,
  identities,
  invitations,
  reports,
  renditionJobs,
  resumableUploads,
  mediaCopies,
  importedIds,
} = createTables(pg);
export const { counters } = createSharedTables(pg);
