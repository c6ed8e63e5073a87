import type { PostgresSettings } from "../config/postgres-url.ts";
import { sql } from "drizzle-orm";

import type { Connection } from "./connection.ts";
import { sharedCounters } from "./counters.ts";
import { deliveredMediaQueries, type DeliveredMediaQueries } from "./delivered-media.ts";
import { exportedPostQueries, type ExportedPostQueries } from "./exported-posts.ts";
import { identityQueries, type IdentityQueries } from "./identities.ts";
import { importQueries, type ImportQueries } from "./imports.ts";
import { invitationQueries, type InvitationQueries } from "./invitations.ts";
import { mediaCopyQueries, type MediaCopyQueries } from "./media-copies.ts";
import { mediaMoveQueries, type MediaMoveQueries } from "./media-moves.ts";
import { postQueries, type PostQueries } from "./posts.ts";
import { openPostgres } from "./postgres.ts";
import { renditionBacklogQueries, type RenditionBacklogQueries } from "./rendition-backlog.ts";
import { renditionJobQueries, type RenditionJobQueries } from "./rendition-jobs.ts";
import { reportQueries, type ReportQueries } from "./reports.ts";
import { createReserve, type Reserve } from "./reserve.ts";
import { resumableUploadQueries, type ResumableUploadQueries } from "./resumable-uploads.ts";
import { retryTemporaryFailures } from "./retry-temporary-failures.ts";
import { revokedTokenQueries, type RevokedTokenQueries } from "./revoked-tokens.ts";
import { sessionQueries, type SessionQueries } from "./sessions.ts";
import { openSqlite } from "./sqlite.ts";
import { usageQueries, type UsageQueries } from "./usage.ts";
import { userQueries, type UserQueries } from "./users.ts";

/** The database, as the rest of the service sees it: functions that take values and return promises. */
export interface Database {
  readonly users: UserQueries;
  readonly usage: UsageQueries;
  readonly identities: IdentityQueries;
  readonly imports: ImportQueries;
  readonly invitations: InvitationQueries;
  readonly exportedPosts: ExportedPostQueries;
  readonly posts: PostQueries;
  readonly media: DeliveredMediaQueries;
  readonly mediaMoves: MediaMoveQueries;
  readonly mediaCopies: MediaCopyQueries;
  readonly renditionJobs: RenditionJobQueries;
  readonly renditionBacklog: RenditionBacklogQueries;
  readonly reports: ReportQueries;
  readonly resumableUploads: ResumableUploadQueries;
  readonly revokedTokens: RevokedTokenQueries;
  readonly sessions: SessionQueries;
  /** Counters shared by all nodes; undefined on SQLite, which a single process uses. */
  readonly counters: ReturnType<typeof sharedCounters> | undefined;
  /** Disk space reserved for the writes of a SQLite database; undefined on PostgreSQL. */
  readonly reserve: Reserve | undefined;
  /** Rejects when the database cannot answer. */
  ping(): Promise<void>;
  /** See {@link Connection.expectManyWrites}. */
  expectManyWrites(): void;
  /** See {@link Connection.deferIndexes}. */
  deferIndexes(): () => boolean;
  close(): Promise<void>;
}

/**
 * Opens the database and brings its schema up to date.
 * @param where a PostgreSQL server, or the path of a SQLite file, which is created if it is missing
 * @param onReserveReleased called when the disk was full and the database's reserve had to be released
 */
export async function openDatabase(
  where: string | PostgresSettings,
  onReserveReleased?: () => void,
): Promise<Database> {
  const reserve = typeof where === "string" ? createReserve(where, onReserveReleased) : undefined;
  return databaseOf(await (typeof where === "string" ? openSqlite(where) : openPostgres(where)), reserve);
}

/**
 * Opens an existing database of this version for a command that only reads it.
 * @throws UnsupportedSource, UnsupportedDatabase or NewerDatabase if its schema is not that of this version
 */
export async function openDatabaseToRead(where: string | PostgresSettings): Promise<Database> {
  const connection = await (typeof where === "string"
    ? openSqlite(where, { isReadOnly: true })
    : openPostgres(where, { migrates: false }));
  return databaseOf(connection, undefined);
}

function databaseOf(connection: Connection, reserve: Reserve | undefined): Database {
  const ping = connection.query
    .select({ one: sql`1` })
    .from(connection.tables.users)
    .limit(1)
    .prepare("ping");
  const users = userQueries(connection);
  const usage = usageQueries(connection);
  const identities = identityQueries(connection);
  const imports = importQueries(connection);
  const invitations = invitationQueries(connection);
  const exportedPosts = exportedPostQueries(connection);
  const posts = postQueries(connection);
  const media = deliveredMediaQueries(connection);
  const mediaMoves = mediaMoveQueries(connection);
  const mediaCopies = mediaCopyQueries(connection);
  const renditionJobs = renditionJobQueries(connection);
  const renditionBacklog = renditionBacklogQueries(connection);
  const reports = reportQueries(connection);
  const resumableUploads = resumableUploadQueries(connection);
  const revokedTokens = revokedTokenQueries(connection);
  const sessions = sessionQueries(connection);
  return {
    users: retryTemporaryFailures(users, reserve),
    usage: retryTemporaryFailures(usage, reserve),
    exportedPosts: retryTemporaryFailures(exportedPosts, reserve),
    identities: retryTemporaryFailures(identities, reserve),
    imports: retryTemporaryFailures(imports, reserve),
    invitations: retryTemporaryFailures(invitations, reserve),
    posts: retryTemporaryFailures(posts, reserve),
    media: retryTemporaryFailures(media, reserve),
    mediaMoves: retryTemporaryFailures(mediaMoves, reserve),
    mediaCopies: retryTemporaryFailures(mediaCopies, reserve),
    renditionJobs: retryTemporaryFailures(renditionJobs, reserve),
    renditionBacklog: retryTemporaryFailures(renditionBacklog, reserve),
    reports: retryTemporaryFailures(reports, reserve),
    resumableUploads: retryTemporaryFailures(resumableUploads, reserve),
    revokedTokens: retryTemporaryFailures(revokedTokens, reserve),
    sessions: retryTemporaryFailures(sessions, reserve),
    counters: connection.dialect === "pg" ? sharedCounters(connection) : undefined,
    reserve,
    ping: async () => void (await ping.execute()),
    expectManyWrites: connection.expectManyWrites,
    deferIndexes: connection.deferIndexes,
    close: connection.close,
  };
}
