import { ApiError } from "../errors.ts";
import { createFairSemaphore } from "./fair-semaphore.ts";
import { JobFailed, WorkerProcess, type JobLimits } from "./worker-process.ts";

/** A few processes, started on demand, that do jobs which must not be able to harm this one. */
export interface WorkerPool {
  /**
   * Has a process do a job as soon as it is the party's turn. After a crash the job is done once more, because the system
   * may have killed the process for a reason that lies elsewhere; it must be safe to repeat.
   * @param party the account that the job is for; waiting jobs take turns by it
   * @param job JSON
   * @returns the process's answer
   * @throws ApiError OVERLOADED when too many jobs wait, or no process can be started; STOPPING once closed; JobFailed; the
   * signal's reason
   */
  run(party: string, job: object, limits: JobLimits, signal: AbortSignal): Promise<unknown>;
  /** Starts a process where none is idle and one may be started: a job is likely to come. */
  prepare(): void;
  /** Jobs that run or wait. */
  pending(): number;
  /** Ends all processes. Resolves when they are gone. */
  close(): Promise<void>;
}

export interface WorkerPoolOptions {
  /** See {@link WorkerProcess}. */
  readonly command: readonly string[];
  /** Working directory of the processes. */
  readonly folder: string;
  /** Processes at once; one more runs for an account that has none while long jobs of others take them all. */
  readonly size: number;
  /** Jobs that may wait. */
  readonly queueLimit: number;
  /** After this long without a job a process is ended. */
  readonly idleMs: number;
  /** A process that still holds more bytes than this after a job is ended, so that its memory comes back. */
  readonly idleMemoryBytes: number;
}

/** Creates a pool without processes. */
export function createWorkerPool(options: WorkerPoolOptions): WorkerPool {
  const { command, folder, size, queueLimit, idleMs, idleMemoryBytes } = options;
  const semaphore = createFairSemaphore({
    concurrency: size,
    reserve: 1,
    queueLimit,
  });
  const idle: { worker: WorkerProcess; timer: Timer }[] = [];
  const busy = new Set<WorkerProcess>();
  /** Processes that were killed and are not gone yet. */
  const ending = new Set<Promise<void>>();
  let closed = false;

  function end(worker: WorkerProcess): void {
    const gone = worker.kill().finally(() => ending.delete(gone));
    ending.add(gone);
  }

  function start(): WorkerProcess {
    // A job whose process ended with the pool must not start another one.
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

  function keep(worker: WorkerProcess): void {
    const timer = setTimeout(() => {
      idle.splice(
        idle.findIndex((entry) => entry.worker === worker),
        1,
      );
      end(worker);
    }, idleMs);
    timer.unref();
    idle.push({ worker, timer });
  }

  async function attempt(job: object, limits: JobLimits, signal: AbortSignal): Promise<unknown> {
    // Before a process is taken, which would otherwise be neither idle nor ended.
    signal.throwIfAborted();
    const worker = takeIdle() ?? start();
    busy.add(worker);
    try {
      const result = await worker.run(job, limits, signal);
      if ((worker.memoryBytes ?? 0) > idleMemoryBytes) end(worker);
      else keep(worker);
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
      if (idle.length === 0 && busy.size < size) keep(start());
    },
    pending: () => semaphore.pending(),
    async close() {
      closed = true;
      const all = [...busy, ...idle.map(({ worker }) => worker)];
      for (const { timer } of idle.splice(0)) clearTimeout(timer);
      await Promise.all([...ending, ...all.map((worker) => worker.kill())]);
    },
  };
}
