import { readConfig } from "../config/config.ts";
import { renditionKinds } from "../database/schema.ts";
import { ApiError } from "../errors.ts";
import type { Log } from "../observability/log.ts";
import { addBacklog, type Backlog } from "../rendition-jobs/backlog.ts";
import type { Services } from "../services.ts";
import { CommandError } from "./command-error.ts";
import { counted } from "./counted.ts";
import { abortOnTermination, exitInterrupted } from "./on-termination.ts";
import { openServicesAsOwner, requireServiceFolder, silentLog } from "./open-services.ts";
import { createProgress, type Progress } from "./progress.ts";

/** Milliseconds between two checks of the progress. */
const pollMs = 500;

/**
 * Makes the renditions that existing posts lack, or remakes all of them, and waits until they are made. A running service
 * works on the same queue, and continues if the command is interrupted.
 * @throws CommandError also if some cannot be made
 */
export async function makeRenditions(all: boolean): Promise<void> {
  const config = readConfig();
  await requireServiceFolder(config);
  const interrupted = abortOnTermination();
  const progress = createProgress();
  const services = await openServicesAsOwner(config, failureLog(progress));
  let failed = 0;
  let areAllQueued = false;
  try {
    if (services.store.makesRenditions)
      print("ImageKit makes the renditions of its files itself; only those of other stores are made here.");
    const backlog = await addBacklog(services, all, interrupted);
    areAllQueued = backlog.isComplete;
    services.renditionRunner.start();
    failed = await waitForJobs(services, backlog, progress, interrupted);
    if (!interrupted.aborted)
      print(
        `${counted(backlog.posts, "posts")}: ${counted(backlog.jobs - failed, "rendition jobs")} done, ${failed} failed.`,
      );
  } finally {
    await services.close();
  }
  if (interrupted.aborted)
    exitInterrupted(
      interrupted,
      areAllQueued
        ? "The service makes the remaining renditions."
        : "The service makes those that are queued. Repeat the command to queue the rest.",
    );
  if (failed > 0)
    throw new CommandError(
      "Some renditions could not be made. The command can be repeated, to try them again.",
    );
}

/** Waits until the jobs are done, and shows how many are. @returns how many have failed */
async function waitForJobs(
  services: Services,
  { jobs, lastPostId }: Backlog,
  progress: Progress,
  signal: AbortSignal,
): Promise<number> {
  const { database, renditionJobs } = services;
  const kinds = renditionKinds.filter(renditionJobs.canMake);
  for (;;) {
    const { unfinished, failed } = await database.renditionBacklog.progress(kinds, lastPostId);
    if (jobs > 0) progress.update("rendition jobs done", Math.max(0, jobs - unfinished), jobs);
    if (unfinished === 0 || signal.aborted) {
      progress.end();
      return failed;
    }
    await Bun.sleep(pollMs);
  }
}

const print = (line: string) => void process.stdout.write(`${line}\n`);

/** Prints the failures of this command's own attempts. A full disk is reported once, because it makes all jobs wait. */
function failureLog(progress: Progress): Log {
  let isFull = false;
  return {
    ...silentLog,
    warn(event, { post, kind, error }: { post?: unknown; kind?: unknown; error?: unknown } = {}) {
      if (event !== "rendition.failed") return;
      if (!(error instanceof ApiError && error.code === "STORAGE_FULL"))
        return progress.note(`${kind} of post ${post}: ${String(error)}`);
      if (!isFull) progress.note(diskFull);
      isFull = true;
    },
  };
}

const diskFull =
  "There is no space left (MIN_FREE_SPACE stays free). The jobs are tried every five minutes: delete something, or end " +
  "the command and leave them to the service.";
