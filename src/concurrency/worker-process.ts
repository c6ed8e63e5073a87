import { readFileSync } from "node:fs";

/** The error of a job that ended without a result. Its process has been killed or has exited. */
export class JobFailed extends Error {
  override readonly name = "JobFailed";
  /**
   * @param reason `time`, `clock` or `memory` when the job exceeded that limit; `crash` when the process exited by itself
   * @param detail for the log
   */
  constructor(
    readonly reason: "time" | "clock" | "memory" | "crash",
    readonly detail: string,
  ) {
    super(`${reason}: ${detail}`);
  }
}

/** The resource limits of a job. */
export interface JobLimits {
  /**
   * On Linux, milliseconds of processor time, so that a harmless job does not fail on a busy machine; wall-clock time is
   * limited to {@link wallClockFactor} times as much. On other systems, milliseconds of wall-clock time.
   */
  readonly timeMs: number;
  /** Resident memory; enforced on Linux only. */
  readonly memoryBytes: number;
}

/** The interval between checks of a running job's limits. */
const watchIntervalMs = 50;

/** The wall-clock limit as a multiple of the limit on processor time. */
const wallClockFactor = 5;

/** The time to wait for a killed process to exit. A process blocked in the kernel, as by a dead network disk, may never exit. */
const exitTimeoutMs = 5_000;

/** A child process that runs one job at a time: it receives one JSON message and answers with one. */
export class WorkerProcess {
  readonly #child: Bun.Subprocess;
  #job: PromiseWithResolvers<unknown> | undefined;

  /**
   * Starts the process, with an empty environment so that it receives no secrets.
   * @param command the command line; the program must exit when its IPC channel closes
   * @param folder the working directory
   * @throws the system's error if the process cannot be started
   */
  constructor(command: readonly string[], folder: string) {
    this.#child = Bun.spawn([...command], {
      cwd: folder,
      env: {},
      stdio: ["ignore", "ignore", "ignore"],
      serialization: "json",
      ipc: (message: unknown) => this.#job?.resolve(message),
    });
    void this.#child.exited.then((code) =>
      this.#job?.reject(new JobFailed("crash", `ended with ${this.#child.signalCode ?? `status ${code}`}`)),
    );
    // An idle worker must not keep this process from exiting.
    this.#child.unref();
  }

  /** Whether the process can run another job. */
  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null && !this.#child.killed;
  }

  /** The resident memory in bytes; undefined if the system does not report it. */
  get memoryBytes(): number | undefined {
    return processUsage(this.#child.pid)?.memoryBytes;
  }

  /**
   * Runs a job. When it rejects, the process has been killed.
   * @returns the answer of the process
   * @throws JobFailed; the signal's reason when it aborts
   */
  async run(job: object, limits: JobLimits, signal: AbortSignal): Promise<unknown> {
    signal.throwIfAborted();
    this.#job = Promise.withResolvers();
    const { promise, reject } = this.#job;
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    const watch = this.#watch(limits, reject);
    this.#child.ref();
    try {
      try {
        this.#child.send(job);
      } catch (error) {
        // The process exited while idle, and the exit event has not arrived yet.
        throw new JobFailed("crash", String(error));
      }
      return await promise;
    } catch (error) {
      await this.kill();
      throw error;
    } finally {
      clearInterval(watch);
      signal.removeEventListener("abort", abort);
      this.#job = undefined;
      this.#child.unref();
    }
  }

  /** Kills the process. Resolves when it has exited, or after {@link exitTimeoutMs}. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, exitTimeoutMs);
    await Promise.race([this.#child.exited, promise]);
    clearTimeout(timer);
  }

  #watch({ timeMs, memoryBytes }: JobLimits, fail: (error: JobFailed) => void): Timer {
    const started = performance.now();
    const before = processUsage(this.#child.pid)?.processorMs ?? 0;
    return setInterval(() => {
      const usage = processUsage(this.#child.pid);
      const clockMs = performance.now() - started;
      if (usage && usage.memoryBytes > memoryBytes)
        fail(new JobFailed("memory", `${Math.round(usage.memoryBytes / 1e6)} MB`));
      else if (usage ? usage.processorMs - before > timeMs : clockMs > timeMs)
        fail(new JobFailed("time", `${timeMs} ms`));
      else if (clockMs > wallClockFactor * timeMs)
        fail(new JobFailed("clock", `${wallClockFactor * timeMs} ms`));
    }, watchIntervalMs);
  }
}

/** Reads the resource usage of a process from proc(5); undefined on other systems and for a process that has exited. */
function processUsage(pid: number): { processorMs: number; memoryBytes: number } | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "latin1");
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
    // utime and stime are the 12th and 13th fields after the command's name, which may itself contain spaces and
    // brackets, in hundredths of a second.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return {
      processorMs: (Number(fields[11]) + Number(fields[12])) * 10,
      memoryBytes: Number(kilobytes ?? 0) * 1024,
    };
  } catch {
    return undefined;
  }
}
