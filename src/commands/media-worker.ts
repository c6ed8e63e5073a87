import { runJob, type WorkerJob } from "../uploads/media-worker.ts";
import { subordinate } from "./subordinate.ts";

/** Nice values: requests take precedence over preparing uploads, and that over renditions, for which no client waits. */
const niceness = { uploads: 5, renditions: 12 };

/**
 * Internal command: runs the media jobs that the service sends, until the service exits.
 * @param work the pool that the process belongs to
 */
export function mediaWorker(work: keyof typeof niceness): void {
  if (!process.send) throw new Error("media-worker can only be started by the service");
  process.on("disconnect", () => process.exit(0));
  // Terminals and service managers signal the whole process group, but the service finishes running uploads first.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
  subordinate(niceness[work]);
  process.on("message", async (job: WorkerJob) => void process.send!(await runJob(job)));
}
