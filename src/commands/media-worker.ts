import { runJob, type WorkerJob } from "../uploads/media-worker.ts";
import { subordinate } from "./subordinate.ts";

/** Nice value of media jobs: requests take precedence over them. */
const niceness = 5;

/** Internal command: runs the media jobs that the service sends, until the service exits. */
export function mediaWorker(): void {
  if (!process.send) throw new Error("media-worker can only be started by the service");
  process.on("disconnect", () => process.exit(0));
  // Terminals and service managers signal the whole process group, but the service finishes running uploads first.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
  subordinate(niceness);
  process.on("message", async (job: WorkerJob) => void process.send!(await runJob(job)));
}
