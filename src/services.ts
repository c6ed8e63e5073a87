import { access, constants, mkdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";

import { LRUCache } from "lru-cache";

import { createLoginLog } from "./accounts/login-log.ts";
import { createPasswordHashing } from "./accounts/password-hashing.ts";
import { createRateLimits } from "./accounts/rate-limits.ts";
import type { RecoveryRouteServices } from "./accounts/recovery-routes.ts";
import type { AuthServices } from "./accounts/auth-routes.ts";
import { createInvitationTokens } from "./accounts/invitation-tokens.ts";
import type { InvitationRouteServices } from "./accounts/invitation-routes.ts";
import { loadOrCreateSecret } from "./accounts/jwt-secret.ts";
import { createSessionCookie } from "./accounts/session-cookie.ts";
import { createSessions } from "./accounts/sessions.ts";
import { createFlowCookie } from "./accounts/oidc/flow-cookie.ts";
import { createOidcProvider } from "./accounts/oidc/provider.ts";
import type { IdentityRouteServices } from "./accounts/oidc/identity-routes.ts";
import type { OidcRouteServices } from "./accounts/oidc/routes.ts";
import { createTokens } from "./accounts/tokens.ts";
import { createAuthenticator } from "./accounts/authenticator.ts";
import { createBackground } from "./concurrency/background-tasks.ts";
import { createYieldToEventLoop } from "./concurrency/yield-to-event-loop.ts";
import { createCompression, type Compress } from "./http/compression.ts";
import { BaseUrl } from "./http/base-url.ts";
import { Connections } from "./http/connections.ts";
import { NodeAddress } from "./http/node-address.ts";
import { RequestIds } from "./http/request-id.ts";
import { createRequestOrigin } from "./http/request-origin.ts";
import type { Config } from "./config/config.ts";
import { databaseFile, mediaFolder, tempFolder, uploadsFolder } from "./data-dir.ts";
import { openDatabase, type Database } from "./database/database.ts";
import type { Log } from "./observability/log.ts";
import { createConsoleMailer } from "./mail/console-mailer.ts";
import { createSigningMailer } from "./mail/signing-mailer.ts";
import { createSmtpMailer } from "./mail/smtp-mailer.ts";
import { deadlineFor } from "./config/upload-deadline.ts";
import { DiskStore } from "./storage/disk-store.ts";
import { createRemoteStores } from "./storage/remote-stores.ts";
import { createVideoTools, type VideoTools } from "./renditions/ffmpeg/video-tools.ts";
import { createMediaWorkers } from "./uploads/media-workers.ts";
import { createRewrap } from "./uploads/transport-stream.ts";
import { createTempDir } from "./uploads/temp-dir.ts";
import { RecentFiles } from "./delivery/recent-files.ts";
import { measuredStore } from "./storage/measured-store.ts";
import type { MediaServices } from "./delivery/routes.ts";
import { createDiskSpace } from "./observability/disk-space.ts";
import { createHealthCheck } from "./observability/health.ts";
import { createMetrics } from "./observability/metrics.ts";
import type { OperationServices } from "./observability/routes.ts";
import { version } from "./version.ts";
import type { PostRouteServices } from "./posts/routes.ts";
import { createRenditionRunner, type RenditionRunner } from "./rendition-jobs/runner.ts";
import { maxPartialHashes } from "./uploads/resumable/resumable-services.ts";
import type { ResumableRouteServices } from "./uploads/resumable/routes.ts";
import { openUploadFolder } from "./uploads/resumable/upload-folder.ts";
import { createUploadLeases } from "./uploads/resumable/upload-leases.ts";
import { createUploadSlots } from "./uploads/upload-slots.ts";
import type { PostServices } from "./uploads/upload-services.ts";
import { createSweeper, type Sweeper } from "./uploads/sweeper.ts";
import type { UserServices } from "./accounts/user-routes.ts";

/** The shared state of the process. Only {@link openServices} creates it; each feature declares the part that it uses. */
export interface Services
  extends
    AuthServices,
    OidcRouteServices,
    IdentityRouteServices,
    RecoveryRouteServices,
    UserServices,
    InvitationRouteServices,
    PostRouteServices,
    ResumableRouteServices,
    MediaServices,
    OperationServices {
  readonly config: Config;
  readonly database: Database;
  readonly baseUrl: BaseUrl;
  readonly compress: Compress;
  readonly requestIds: RequestIds;
  readonly sweeper: Sweeper;
  readonly renditionRunner: RenditionRunner;
  readonly nodeAddress: NodeAddress;
  /** Undefined: ffmpeg is not installed or not to be used. */
  readonly videoTools: VideoTools | undefined;
  /** Waits for background tasks, ends rendition jobs, then closes the database and removes temporary files. */
  close(): Promise<void>;
}

/** Leaves one core free for other work. On two cores, the last entry of a full queue waits about 17 seconds. */
const hashingLimits = {
  concurrency: Math.max(1, availableParallelism() - 1),
  queueLimit: 256,
  partyLimit: 16,
};

/**
 * Creates the services that the configuration describes, and opens the data folder, the database and the media store.
 * @param print prints mails if no mail server is configured
 * @param opened the configured database, if it is already open
 * @throws the errors of {@link openDatabase} and of the file system
 */
export async function openServices(
  config: Config,
  log: Log,
  print: (text: string) => void,
  opened?: Database,
): Promise<Services> {
  const { dataDir } = config;
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const database =
    opened ??
    (await openDatabase(config.database ?? join(dataDir, databaseFile), () =>
      log.warn("disk.reserve_released", { effect: "the database can still write for a while" }),
    ));
  const tempDir = await createTempDir(join(dataDir, tempFolder), { shared: config.database !== undefined });
  const uploadFolder = await openUploadFolder(join(dataDir, uploadsFolder));
  const secret = config.jwtSecret ?? (await loadOrCreateSecret(dataDir));
  const tokens = createTokens(secret);
  const disk = new DiskStore(join(dataDir, mediaFolder));
  // Fail at startup rather than on the first upload.
  await access(disk.root, constants.R_OK | constants.W_OK | constants.X_OK);
  const keepsMedia = config.mediaStore === "disk";
  const space = createDiskSpace({
    folders: [dataDir, tempDir.path, ...(keepsMedia ? [disk.root] : [])],
    minFree: config.minFreeSpace,
    log,
    reserve: database.reserve,
  });
  const mailer = createSigningMailer(
    config.mailUrl
      ? createSmtpMailer({ url: config.mailUrl, from: config.mailFrom, host: config.mailHost }, log)
      : createConsoleMailer(print),
    config.siteName,
  );
  const deadline = (bytes: number) => deadlineFor(bytes, config.uploadDeadline);
  const { imagekit, s3 } = createRemoteStores(config);
  const background = createBackground(log);
  const mediaWorkers = createMediaWorkers(dataDir, log, config);
  const hashing = createPasswordHashing(hashingLimits);
  const running = new Set<string>();
  const connections = new Connections(config.trustProxy);
  const requestIds = new RequestIds();
  const baseUrl = new BaseUrl(config, connections);
  const sessions = createSessions({ database, background }, config.sessionLifetime);
  const secure = config.publicUrl?.startsWith("https:") ?? false;
  const sessionCookie = createSessionCookie({ secure, maxAgeSeconds: config.sessionLifetime });
  const requestOrigin = createRequestOrigin(baseUrl, config.corsOrigins);
  const metrics = createMetrics({
    version,
    hashesPending: hashing.pending,
    uploadsRunning: () => running.size,
    mediaJobsPending: mediaWorkers.pending,
    unfinishedPosts: database.posts.countUnfinished,
    publishedPosts: database.posts.countPublished,
    renditionJobs: database.renditionJobs.counts,
    unfinishedUploads: database.resumableUploads.countUnfinished,
    diskUsage: space.usage,
  });
  const stores = [disk, imagekit, s3].flatMap((store) => (store ? [measuredStore(store, metrics)] : []));
  const storeNamed = (name: string) => stores.find((store) => store.name === name);
  const making = { database, log, metrics, mediaWorkers, storeNamed, deadlineFor: deadline };
  const videoTools = config.ffmpeg && createVideoTools(config.ffmpeg);
  const renditionRunner = createRenditionRunner({
    ...making,
    videoTools,
    disk,
    space,
    tempDir: tempDir.path,
  });
  const posts: PostServices = {
    database,
    log,
    metrics,
    mediaWorkers,
    renditionJobs: renditionRunner,
    store: storeNamed(config.mediaStore) ?? disk,
    storeNamed,
    deadlineFor: deadline,
    userQuota: config.userQuota,
    uploadFolder,
    running,
    unsettled: new Set(),
  };
  const sweeper = createSweeper(posts, {
    intervalMs: config.sweepInterval * 1000,
    graceMs: config.sweepGrace * 1000,
    isOnlyProcess: !config.database,
  });
  const nodeAddress = new NodeAddress(config);
  return {
    ...posts,
    config,
    tokens,
    invitationTokens: createInvitationTokens(secret),
    sweeper,
    renditionRunner,
    videoTools,
    rewrapUpload: videoTools && createRewrap(videoTools, space, log),
    uploadSlots: createUploadSlots(config.uploadsPerAccount),
    yieldToEventLoop: createYieldToEventLoop(),
    uploadLeases: createUploadLeases(database, log),
    partialHashes: new LRUCache({ max: maxPartialHashes }),
    nodeAddress,
    nodeUrl: () => (config.database ? nodeAddress.url : null),
    space,
    health: createHealthCheck(database.ping, {
      tempDir: tempDir.path,
      mediaDir: keepsMedia ? disk.root : undefined,
    }),
    background,
    limits: createRateLimits({ enabled: config.rateLimit, counters: database.counters }),
    loginLog: createLoginLog(log, secret, requestIds),
    connections,
    requestIds,
    baseUrl,
    compress: createCompression(),
    hashing,
    lifecycle: { stopping: false },
    sessions,
    sessionCookie,
    requestOrigin,
    authenticator: createAuthenticator({
      database,
      tokens,
      sessions,
      sessionCookie,
      requestOrigin,
      requireVerifiedEmail: config.requireVerifiedEmail,
    }),
    passwordMinLength: config.passwordMinLength,
    requireVerifiedEmail: config.requireVerifiedEmail,
    passwordLogin: config.passwordLogin,
    oidc: config.oidc && {
      provider: createOidcProvider(config.oidc),
      flowCookie: createFlowCookie(secret, { secure }),
    },
    authorEmails: config.authorEmails,
    mailer,
    disk,
    recentFiles: new RecentFiles(),
    s3,
    tempDir: tempDir.path,
    async close() {
      connections.close();
      await background.drain();
      await renditionRunner.stop();
      await mediaWorkers.close();
      await mailer.close();
      await database.close();
      await tempDir.remove();
    },
  };
}
