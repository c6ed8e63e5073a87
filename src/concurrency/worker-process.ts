import { readFileSync } from "node:fs";

/** A job ended without a result, and the process that ran it is gone. */
export class JobFailed extends Error {
  override readonly name = "JobFailed";
  /**
   * @param reason `time` and `memory`: it was killed for using more than its limits allow; `crash`: it ended by itself
   * @param detail for the log
   */
  constructor(
    readonly reason: "time" | "memory" | "crash",
    readonly detail: string,
  ) {
    super(`${reason}: ${detail}`);
  }
}

/** What one job may use. */
export interface JobLimits {
  /**
   * Milliseconds of processor time where the system reports it (Linux), so that a busy machine fails no harmless job;
   * wall-clock time is limited to {@link wallClockFactor} times as much. Elsewhere, milliseconds of wall-clock time.
   */
  readonly timeMs: number;
  /** Bytes of resident memory; watched on Linux only. */
  readonly memoryBytes: number;
}

/** Milliseconds between checks of a running job's limits. */
const watchIntervalMs = 50;

/** Wall-clock time that a job may take, as a multiple of its processor time. */
const wallClockFactor = 5;

/** Milliseconds to wait for a killed process to be gone; one that hangs in the kernel (a dead network disk) may never be. */
const exitTimeoutMs = 5_000;

/** A child process that does one job at a time: a message in, a message out (JSON). It can be killed at any moment. */
export class WorkerProcess {
  readonly #child: Bun.Subprocess;
  #job: PromiseWithResolvers<unknown> | undefined;

  /**
   * Starts the process, with an empty environment: it needs no secrets.
   * @param command it must end when its channel to this process closes
   * @param folder its working directory
   * @throws the system's error where no process can be started
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
    // The pool closes its workers; a forgotten one must not keep this process from ending.
    this.#child.unref();
  }

  /** Whether it can take another job. */
  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null && !this.#child.killed;
  }

  /** Bytes of resident memory; undefined where the system does not report it. */
  get memoryBytes(): number | undefined {
    return processUsage(this.#child.pid)?.memoryBytes;
  }

  /**
   * Has the process do a job. When this rejects, the process has been killed.
   * @returns the message that the process answers with
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
        // It ended while it was idle, and its exit was not noticed yet.
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

  /** Ends the process at once. Resolves when it is gone, or when it cannot be waited for any longer. */
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
        fail(new JobFailed("time", `${wallClockFactor * timeMs} ms on the clock`));
    }, watchIntervalMs);
  }
}

/** What a process uses, as Linux reports it (proc(5)); undefined on other systems and for a process that is gone. */
function processUsage(pid: number): { processorMs: number; memoryBytes: number } | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "latin1");
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
    // Behind the command's name, which may hold spaces and brackets: utime and stime are the 12th and 13th field, in
    // hundredths of a second.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return {
      processorMs: (Number(fields[11]) + Number(fields[12])) * 10,
      memoryBytes: Number(kilobytes ?? 0) * 1024,
    };
  } catch {
    return undefined;
  }
}
