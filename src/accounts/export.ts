import { createFairSemaphore } from "../concurrency/fair-semaphore.ts";
import { untilAborted } from "../concurrency/until-aborted.ts";
import type { Database } from "../database/database.ts";
import type { ExportedPost } from "../database/exported-posts.ts";
import type { User } from "../database/users.ts";
import { ApiError } from "../errors.ts";
import { afterAllIds, type PagePosition } from "../http/page-request.ts";
import type { Log } from "../observability/log.ts";
import type { MediaStore } from "../storage/media-store.ts";
import { authenticatedParties } from "./client.ts";
import { exportedFiles, exportedPost } from "./exported-post.ts";
import { identityRead } from "./oidc/schemas.ts";
import { pacedPipe, type ReadingPace } from "./paced-pipe.ts";
import { userRead } from "./user-read.ts";

/** Concurrent exports per node. Each holds a file or a store connection open. */
const maxExports = 20;
const maxExportsPerAccount = 2;
/** Exports beyond which only networks without a running export get one, so that one network cannot take all of them. */
const maxSharedExports = maxExports / 2;
const retryAfterSeconds = 30;

/**
 * How slowly a client may read. A weak mobile connection, which reaches 8,000 bytes a second, may still pause for two of the
 * five minutes.
 */
const readingPace: ReadingPace = { windowMs: 300_000, minBytes: 1_200_000 };

/** Larger chunks are faster, but leave more memory to the garbage collector. */
const archiveChunkBytes = 64 * 1024;

/** Posts read per query, to bound memory. */
const pageSize = 200;

/** The services that exports need. */
export interface ExportServices {
  readonly database: Database;
  readonly storeNamed: (name: string) => MediaStore | undefined;
  readonly log: Log;
}

/** Exports of accounts as ZIP archives. */
export interface Exports {
  /**
   * Starts an export: `account.json`, `posts.json`, the stored files under `media/` and their renditions under
   * `renditions/`. The archive is written as it is read, in constant memory. The stream fails when a store fails, when the
   * account is deleted or deactivated meanwhile, and when the client reads too slowly. A file that is deleted or replaced
   * meanwhile is left out.
   * @param address the client's IP address
   * @param gone aborts when the client goes away
   * @throws ApiError TOO_MANY_REQUESTS with `Retry-After`
   */
  start(user: User, address: string, gone: AbortSignal): Promise<ReadableStream<Uint8Array>>;
}

/** @param pace how slowly clients may read; replaced in tests */
export function createExports(services: ExportServices, pace = readingPace): Exports {
  const perAccount = createFairSemaphore({
    concurrency: maxExports,
    queueLimit: 0,
    partyLimit: maxExportsPerAccount,
  });
  const perNetwork = createFairSemaphore({
    concurrency: maxSharedExports,
    reserve: maxExports - maxSharedExports,
    queueLimit: 0,
  });
  let zip: Promise<Zip> | undefined;
  const loadedZip = () => (zip ??= loadZip());
  return {
    async start(user, address, gone) {
      const started = Promise.withResolvers<ReadableStream<Uint8Array>>();
      const refuse = (error: unknown) => {
        const isRefused = error instanceof ApiError && error.code === "OVERLOADED";
        const headers = { "retry-after": String(retryAfterSeconds) };
        started.reject(isRefused ? new ApiError("TOO_MANY_REQUESTS", { headers }) : error);
      };
      const parties = authenticatedParties({ address, account: user.id });
      const write = () => run({ ...services, loadedZip }, user, gone, pace, started.resolve);
      void perAccount.run([user.id], () => perNetwork.run(parties, write)).catch(refuse);
      return started.promise;
    },
  };
}

/** The parts of zip.js that exports use. */
type Zip = Awaited<ReturnType<typeof loadZip>>;

/** Loads zip.js. Called by the first export, so that startup stays fast. */
async function loadZip() {
  const { configure, TextReader, ZipWriter } = await import("@zip.js/zip.js");
  // Without workers too, this limits the files in progress. A client that pauses its download must not delay the others.
  configure({ useWebWorkers: false, maxWorkers: 2 * maxExports, chunkSize: archiveChunkBytes });
  return { TextReader, ZipWriter };
}

/** The services of a running export. */
type RunServices = ExportServices & { readonly loadedZip: () => Promise<Zip> };

/**
 * Writes an archive to a stream, until the end, an error or the cancellation of the stream. Never rejects.
 * @param start receives the stream at once
 */
async function run(
  services: RunServices,
  user: User,
  gone: AbortSignal,
  pace: ReadingPace,
  start: (archive: ReadableStream<Uint8Array>) => void,
): Promise<void> {
  const ended = new AbortController();
  const signal = AbortSignal.any([gone, ended.signal]);
  const { readable, writable, fail } = pacedPipe(signal, pace, {
    cancelled: () => ended.abort(),
    tooSlow: () => {
      services.log.info("export.too_slow", { user: user.id });
      ended.abort();
    },
  });
  start(readable);
  try {
    await untilAborted(signal, () => writeArchive(services, user, writable, signal));
  } catch (error) {
    if (!signal.aborted) services.log.warn("export.failed", { user: user.id, error });
    fail();
  } finally {
    // Closes a file that is still open.
    ended.abort();
  }
}

async function writeArchive(
  services: RunServices,
  user: User,
  output: WritableStream<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  const { database, storeNamed, log, loadedZip } = services;
  const { TextReader, ZipWriter } = await loadedZip();
  // Media are compressed already.
  const archive = new ZipWriter(output, { level: 0, signal });
  const identities = await database.identities.list(user.id);
  const account = {
    ...userRead(user),
    created_at: user.createdAt.toISOString(),
    identities: identities.map((identity) => ({ ...identityRead(identity), subject: identity.subject })),
  };
  await archive.add("account.json", new TextReader(JSON.stringify(account, null, 2)));
  const [newest] = await database.exportedPosts.page(user.id, 1);
  // After the query, which finds nothing once the account is deleted.
  await requireAccount(database, user.id);
  // Posts published from now on are later, and in neither part of the archive.
  const top = newest && { createdAt: newest.createdAt, id: afterAllIds };
  await archive.add("posts.json", { readable: jsonArray(postsOf(database, user.id, top)) });
  for await (const post of postsOf(database, user.id, top)) {
    const store = storeNamed(post.store);
    if (!store) throw new Error(`no media store "${post.store}" is configured`);
    for (const { key, name, bytes, storeId } of exportedFiles(post)) {
      const content = await store.read(key, signal, storeId);
      // Without the size, zip.js writes a header that some unpackers do not understand.
      const size = content?.bytes ?? bytes;
      const file = content && { readable: content.stream, ...(size !== undefined && { size }) };
      if (file) await archive.add(name, file, { lastModDate: post.createdAt });
      else log.info("export.media_missing", { user: user.id, post: post.id, key });
      await requireAccount(database, user.id);
    }
  }
  await archive.close();
}

/**
 * Yields the published posts of an account from `top` on, newest first.
 * @throws ApiError UNAUTHORIZED when the account is deleted or deactivated in the meantime
 */
async function* postsOf(
  database: Database,
  userId: string,
  top: PagePosition | undefined,
): AsyncGenerator<ExportedPost> {
  for (let after = top; after;) {
    const page = await database.exportedPosts.page(userId, pageSize, after);
    await requireAccount(database, userId);
    yield* page;
    after = page.at(-1);
  }
}

/** @throws ApiError UNAUTHORIZED */
async function requireAccount({ users }: Database, id: string): Promise<void> {
  if (!(await users.byId(id))?.isActive) throw new ApiError("UNAUTHORIZED");
}

/** Writes posts as a JSON array. */
function jsonArray(posts: AsyncGenerator<ExportedPost>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let separator = "[\n";
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { value: post, done } = await posts.next();
        if (done) {
          controller.enqueue(encoder.encode(separator === "[\n" ? "[]\n" : "\n]\n"));
          return controller.close();
        }
        controller.enqueue(encoder.encode(separator + JSON.stringify(exportedPost(post))));
        separator = ",\n";
      },
      cancel: async () => void (await posts.return(undefined)),
    },
    { highWaterMark: 0 },
  );
}
