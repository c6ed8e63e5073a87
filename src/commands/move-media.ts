import {
  mediaStoreNames,
  readConfig,
  storeSettings,
  type Config,
  type MediaStoreName,
} from "../config/config.ts";
import { wholeNumber } from "../config/numbers.ts";
import { createBytePace } from "../media-moves/byte-pace.ts";
import { StoreUnusable } from "../media-moves/move-errors.ts";
import { leftoverGraceMs } from "../media-moves/move-post.ts";
import { concurrency, moveAll, requireUsable, type MoveReport } from "../media-moves/move-all.ts";
import { readableSize } from "../readable-size.ts";
import type { Services } from "../services.ts";
import type { MediaStore } from "../storage/media-store.ts";
import { CommandError } from "./command-error.ts";
import { UsageError } from "./command-line.ts";
import { counted } from "./counted.ts";
import { driverError } from "./database-errors.ts";
import { abortOnTermination, exitInterrupted } from "./on-termination.ts";
import {
  openServicesAsOwner,
  requireServiceFolder,
  requireServiceMedia,
  silentLog,
} from "./open-services.ts";
import { dataFolderError } from "./startup-errors.ts";
import { createProgress, type Progress } from "./progress.ts";

/** Limit on `--limit`, in MB per second. */
const maxLimit = 10_000;

/**
 * Moves the media of all posts to another store while the service runs, and prints what was moved. An interrupted move is
 * continued by the next run.
 * @param options `--to` with the name of the store; `--limit` with MB per second
 * @throws UsageError; CommandError also if some posts cannot be moved
 */
export async function moveMedia(options: ReadonlyMap<string, string>): Promise<void> {
  const { target, bytesPerSecond } = parse(options);
  const config = readConfig();
  await requireServiceFolder(config);
  const interrupted = abortOnTermination();
  const services = await openServicesAsOwner(withLongerDeadline(config, bytesPerSecond), silentLog);
  const progress = createProgress();
  let report: MoveReport;
  let left: number;
  try {
    const to = requireStore(services, target);
    if (target === "disk") await requireServiceMedia(services.config, services.database);
    if (config.mediaStore !== target)
      progress.note(
        `New uploads go to ${config.mediaStore}: set MEDIA_STORE=${target} for the service, or repeat the command later.`,
      );
    report = await move(services, to, bytesPerSecond, progress, interrupted);
    left = await services.database.mediaCopies.countOutside(target);
    const hidden = await services.database.mediaMoves.countHidden(to);
    if (hidden > 0)
      progress.note(
        `The media of ${counted(hidden, "posts")} of deactivated accounts stay where they are, because everybody can read files in ${target} whose address they have.`,
      );
  } finally {
    progress.end();
    await services.close();
  }
  process.stdout.write(summary(report, target, left));
  if (interrupted.aborted) exitInterrupted(interrupted, "Repeat the command to move the rest.");
  if (report.failed > 0)
    throw new CommandError(
      `${counted(report.failed, "posts")} could not be moved, for the reasons above. They stay where they are; the command can be repeated.`,
    );
}

/** @throws UsageError */
function parse(options: ReadonlyMap<string, string>): {
  target: MediaStoreName;
  bytesPerSecond: number | undefined;
} {
  const target = mediaStoreNames.find((name) => name === options.get("--to"));
  if (!options.has("--to")) throw new UsageError("move-media: --to STORE is missing.");
  if (!target) throw new UsageError(`move-media: --to must be one of ${mediaStoreNames.join(", ")}.`);
  const limit = options.get("--limit");
  const megabytes = limit === undefined ? undefined : wholeNumber(limit, 1, maxLimit);
  if (limit !== undefined && megabytes === undefined)
    throw new UsageError(
      `move-media: --limit must be a whole number of MB per second from 1 to ${maxLimit}.`,
    );
  return { target, bytesPerSecond: megabytes && megabytes * 1e6 };
}

/**
 * Extends the deadline of the stores for one file, if the speed limit makes transfers slower than that deadline allows for:
 * concurrent files share the limit, and each may be read back.
 */
function withLongerDeadline(config: Config, bytesPerSecond: number | undefined): Config {
  if (bytesPerSecond === undefined) return config;
  const largest = Math.max(config.maxImageSize, config.maxVideoSize);
  const seconds = 60 + Math.ceil((2 * concurrency * largest) / bytesPerSecond);
  return { ...config, uploadDeadline: Math.max(config.uploadDeadline ?? 0, seconds) };
}

/**
 * Checks the stores and moves the posts.
 * @returns what was moved, also when `interrupted` aborts
 * @throws CommandError when a store cannot be used
 */
async function move(
  services: Services,
  to: MediaStore,
  bytesPerSecond: number | undefined,
  progress: Progress,
  interrupted: AbortSignal,
): Promise<MoveReport> {
  const totals = await services.database.mediaMoves.totals(to);
  const total = totals.reduce((sum, { posts }) => sum + posts, 0);
  let latest: MoveReport = { moved: 0, bytes: 0, failed: 0 };
  const observer = {
    progress(report: MoveReport) {
      latest = { ...report };
      const done = report.moved + report.failed;
      if (done <= total) progress.update("posts done", done, total);
    },
    failed: (post: string, reason: string) => progress.note(`post ${post}: ${reason}`),
    waiting: (posts: number) => progress.update("posts that another process is working on", posts, null),
  };
  try {
    for (const store of [to, ...totals.map(({ store }) => requireStore(services, store))])
      await requireUsable(services, store, interrupted);
    return await moveAll({ ...services, pace: createBytePace(bytesPerSecond) }, to, observer, interrupted);
  } catch (error) {
    if (interrupted.aborted) return latest;
    const { message } = explain(services.config, error);
    throw new CommandError(
      `${message.replace(/\.$/, "")}. ${counted(latest.moved, "posts")} moved; repeat the command to move the rest.`,
    );
  }
}

/** Never repeats a database error's own message: query builders put row values into it. */
function explain(config: Config, error: unknown): Error {
  const known = driverError(error);
  if (known) return dataFolderError(config, known);
  if (error instanceof StoreUnusable || error instanceof CommandError) return error;
  throw error;
}

/** @throws CommandError if the store is not configured */
function requireStore({ storeNamed }: Services, name: string): MediaStore {
  const store = storeNamed(name);
  if (store) return store;
  const settings = new Map(Object.entries(storeSettings)).get(name);
  if (settings === undefined)
    throw new CommandError(`This version does not know the store ${JSON.stringify(name)}, which has media.`);
  throw new CommandError(
    `The store ${name} is not configured: set ${settings}, here and for the running service. A move needs the settings of both stores.`,
  );
}

/** @param left posts that have files in other stores */
function summary({ moved, bytes }: MoveReport, target: string, left: number): string {
  const hours = leftoverGraceMs / 3_600_000;
  const leftover =
    left === 0
      ? "No files of moved posts are left in other stores."
      : `Files of ${counted(left, "posts")} are left in other stores; the service deletes them ${hours} hours after the move.`;
  return `${counted(moved, "posts")} moved to ${target} (${readableSize(bytes)} without renditions).\n${leftover}\n`;
}
