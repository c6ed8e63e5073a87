import { ApiError } from "../errors.ts";
import { createFairSemaphore } from "./fair-semaphore.ts";
import { JobFailed, WorkerProcess, type JobLimits } from "./worker-process.ts";

/** A pool of worker processes, started on demand, for jobs that must not be able to harm the main process. */
export interface WorkerPool {
  /**
   * Runs a job in a worker process when the party's turn comes. Retries it once after a crash, because the system may have
   * killed the process for an unrelated reason, so a job must be safe to repeat.
   * @param party the account that the job is for; waiting jobs take turns by it
   * @param job a message that can be serialized as JSON
   * @returns the worker's answer
   * @throws ApiError OVERLOADED when the queue is full or no process can be started, STOPPING when the pool is closed;
   * JobFailed; the signal's reason
   */
  run(party: string, job: object, limits: JobLimits, signal: AbortSignal): Promise<unknown>;
  /** Starts a process ahead of an expected job, unless one is idle or the pool is full. */
  prepare(): void;
  /** Returns the number of running and waiting jobs. */
  pending(): number;
  /** Kills all processes. Resolves when they have exited. */
  close(): Promise<void>;
}

export interface WorkerPoolOptions {
  /** See {@link WorkerProcess}. */
  readonly command: readonly string[];
  /** The working directory of the processes. */
  readonly folder: string;
  /** The maximum number of processes. One more may run for an account without a running job. */
  readonly size: number;
  /** The maximum number of waiting jobs. */
  readonly queueLimit: number;
  /** The time without a job after which a process is killed. */
  readonly idleMs: number;
  /** Resident memory after a job above which a process is killed, so that the system gets it back. */
  readonly idleMemoryBytes: number;
}

/** Creates a pool. It starts no process until there is a job. */
export function createWorkerPool(options: WorkerPoolOptions): WorkerPool {
  const { command, folder, size, queueLimit, idleMs, idleMemoryBytes } = options;
  const semaphore = createFairSemaphore({
    concurrency: size,
    reserve: 1,
    queueLimit,
  });
  const idle: { worker: WorkerProcess; timer: Timer }[] = [];
  const busy = new Set<WorkerProcess>();
  /** Processes that have been killed and have not exited yet. */
  const exiting = new Set<Promise<void>>();
  let closed = false;

  function stop(worker: WorkerProcess): void {
    const exited = worker.kill().finally(() => exiting.delete(exited));
    exiting.add(exited);
  }

  function start(): WorkerProcess {
    // Closing the pool crashes running jobs, whose retry must not start a process.
    if (closed) throw new ApiError("STOPPING");
    try {
      return new WorkerProcess(command, folder);
    } catch (cause) {
      throw new ApiError("OVERLOADED", { cause });
    }
  }

  function takeIdle(): WorkerProcess | undefined {
    for (let entry = idle.pop(); entry; entry = idle.pop()) {
      clearTimeout(entry.timer);
      if (entry.worker.isAlive) return entry.worker;
    }
    return undefined;
  }

  function keepIdle(worker: WorkerProcess): void {
    const timer = setTimeout(() => {
      idle.splice(
        idle.findIndex((entry) => entry.worker === worker),
        1,
      );
      stop(worker);
    }, idleMs);
    timer.unref();
    idle.push({ worker, timer });
  }

  async function attempt(job: object, limits: JobLimits, signal: AbortSignal): Promise<unknown> {
    // Checked before a process is taken: `run` would throw at once and leave the process neither idle nor stopped.
    signal.throwIfAborted();
    const worker = takeIdle() ?? start();
    busy.add(worker);
    try {
      const result = await worker.run(job, limits, signal);
      if ((worker.memoryBytes ?? 0) > idleMemoryBytes) stop(worker);
      else keepIdle(worker);
      return result;
    } finally {
      busy.delete(worker);
    }
  }

  return {
    run: (party, job, limits, signal) =>
      semaphore.run(
        [party],
        () =>
          attempt(job, limits, signal).catch((error: unknown) => {
            if (error instanceof JobFailed && error.reason === "crash") return attempt(job, limits, signal);
            throw error;
          }),
        signal,
      ),
    prepare() {
      if (idle.length === 0 && busy.size < size) keepIdle(start());
    },
    pending: () => semaphore.pending(),
    async close() {
      closed = true;
      const all = [...busy, ...idle.map(({ worker }) => worker)];
      for (const { timer } of idle.splice(0)) clearTimeout(timer);
      await Promise.all([...exiting, ...all.map((worker) => worker.kill())]);
    },
  };
}
