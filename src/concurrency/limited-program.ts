import { ownCommand } from "./own-command.ts";

/** The resource limits of a program. Those of the system are enforced on Linux only. */
export interface ProgramLimits {
  readonly processorSeconds: number;
  /** Time on the clock, on every system. It allows for a busy machine, where a low priority means long waits. */
  readonly clockSeconds: number;
  /** Address space. An allocation beyond it fails. */
  readonly memoryBytes: number;
  /** The size of each file that it writes. A write beyond it fails. */
  readonly fileBytes: number;
  /** The nice value, unless the service itself has a higher one. */
  readonly niceness: number;
}

/** What the internal command `limited` receives as its argument, in JSON. */
export interface LimitedJob {
  /** The absolute path of the program, followed by its arguments. */
  readonly command: readonly string[];
  readonly limits: ProgramLimits;
  /** The process whose end ends the program. */
  readonly parent: number;
}

/** The exit status if the program cannot be executed, which is also that of shells. */
export const cannotExecuteStatus = 126;

/** How a program has ended. */
export interface ProgramEnd {
  /**
   * `exited` by itself, `crashed` by a signal that a fault of its own raised, `processor time` or `clock` when it reached
   * that limit, `killed` by another signal; `unread` when it exited by itself, but its output did not end in
   * time, because a process that it left behind keeps the pipes open, or because this one was busy
   */
  readonly end: "exited" | "crashed" | "processor time" | "clock" | "killed" | "unread";
  /** The exit status; null after a signal. */
  readonly status: number | null;
  /** What it wrote to standard output; undefined if that was more than {@link maxOutputBytes}. */
  readonly output: string | undefined;
  /** The last {@link maxErrorOutputBytes} of what it wrote to standard error, for the log. */
  readonly errorOutput: string;
}

/** Limits on the output that is kept. */
const maxOutputBytes = 256 * 1024;
const maxErrorOutputBytes = 4 * 1024;

/** A process killed after this share of its processor time was killed for that: the kernel counts more coarsely. */
const measuredShare = 0.7;

/** Signals that a fault of the program itself causes. */
const faults = ["SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGSEGV", "SIGSYS", "SIGTRAP"];

/** Milliseconds to wait for the rest of the output after a program has ended. */
const drainMs = 2_000;

/**
 * Runs a program of the system, with an empty environment and without standard input. What it has started is killed when it
 * ends. On Linux it ends with this process, even if that is killed.
 * @param command the absolute path of the program, followed by its arguments
 * @param signal kills the program when it aborts
 * @throws the system's error if the program cannot be started; the signal's reason, after the program has ended
 */
export async function runLimited(
  command: readonly string[],
  limits: ProgramLimits,
  signal: AbortSignal,
): Promise<ProgramEnd> {
  signal.throwIfAborted();
  const job: LimitedJob = { command, limits, parent: process.pid };
  const child = Bun.spawn(
    process.platform === "linux" ? ownCommand("limited", JSON.stringify(job)) : [...command],
    // A separate process group, because the program may be a script that starts another one.
    { cwd: "/", env: {}, stdio: ["ignore", "pipe", "pipe"], detached: true },
  );
  const kill = () => killGroup(child);
  signal.addEventListener("abort", kill, { once: true });
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    kill();
  }, limits.clockSeconds * 1000);
  try {
    const reading = Promise.all([
      firstBytes(child.stdout, maxOutputBytes),
      lastBytes(child.stderr, maxErrorOutputBytes),
    ]);
    await child.exited;
    kill();
    const read = await Promise.race([reading, outputTimeout()]);
    const [output, errorOutput] = read ?? [undefined, "its output did not end"];
    signal.throwIfAborted();
    const usedSeconds = Number(child.resourceUsage()?.cpuTime.total ?? 0) / 1e6;
    const { exitCode: status, signalCode } = child;
    const isOutOfTime = signalCode === "SIGKILL" && usedSeconds >= measuredShare * limits.processorSeconds;
    const ended = isLate ? "clock" : isOutOfTime ? "processor time" : endBySignal(signalCode);
    const end = ended === "exited" && !read ? "unread" : ended;
    return { end, status, output, errorOutput };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", kill);
    kill();
  }
}

function endBySignal(signal: number | NodeJS.Signals | null): ProgramEnd["end"] {
  if (signal === null) return "exited";
  return faults.includes(String(signal)) ? "crashed" : "killed";
}

/** Resolves after {@link drainMs}. The wait does not keep this process alive. */
function outputTimeout(): Promise<undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  setTimeout(resolve, drainMs).unref();
  return promise;
}

/** Kills a program and what it has started. */
function killGroup(child: Bun.Subprocess): void {
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // All of them have ended, or the group does not exist yet.
    child.kill("SIGKILL");
  }
}

/** Reads a stream to its end. Returns its text, or undefined if it is longer than `maxBytes`. */
async function firstBytes(stream: ReadableStream<Uint8Array>, maxBytes: number): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.byteLength;
    if (bytes <= maxBytes) chunks.push(chunk);
  }
  return bytes > maxBytes ? undefined : Buffer.concat(chunks).toString();
}

/** Reads a stream to its end. Returns the last bytes of its text. */
async function lastBytes(stream: ReadableStream<Uint8Array>, maxBytes: number): Promise<string> {
  let last = Buffer.alloc(0);
  for await (const chunk of stream) last = Buffer.concat([last, chunk]).subarray(-maxBytes);
  return last.toString();
}
