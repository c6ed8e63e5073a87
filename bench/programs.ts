import { readFileSync, writeFileSync } from "node:fs";

/** A server started by a benchmark, with its memory use as the kernel reports it. */
export interface Program {
  readonly address: string;
  readonly pid: number;
  /** Resident memory now, in bytes. */
  memory(): number;
  /** Peak resident memory since the start or the last {@link forgetPeak}, in bytes. */
  peak(): number;
  forgetPeak(): void;
  stop(): Promise<void>;
}

const running = new Set<Program>();

/** Returns a free port. */
export function freePort(): number {
  const server = Bun.serve({ port: 0, fetch: () => new Response() });
  const port = server.port ?? 0;
  void server.stop(true);
  return port;
}

/** Starts a server and waits until `path` answers with any status. */
export async function start(
  command: string[],
  options: { port: number; path: string; environment?: Record<string, string> },
): Promise<Program> {
  const child = Bun.spawn(command, {
    env: { PATH: process.env["PATH"], ...options.environment },
    stdout: "ignore",
    stderr: "inherit",
  });
  const address = `http://127.0.0.1:${options.port}`;
  const status = (name: string) =>
    1024 *
    Number(
      new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1],
    );
  const program: Program = {
    address,
    pid: child.pid,
    memory: () => status("VmRSS"),
    peak: () => status("VmHWM"),
    // Writing 5 resets the peak to the current size (proc(5)).
    forgetPeak: () => writeFileSync(`/proc/${child.pid}/clear_refs`, "5"),
    async stop() {
      running.delete(program);
      child.kill("SIGTERM");
      const killTimer = setTimeout(() => child.kill("SIGKILL"), 5000);
      await child.exited;
      clearTimeout(killTimer);
    },
  };
  running.add(program);
  while (!(await answers(address + options.path))) {
    if (child.exitCode !== null) throw new Error(`${command.join(" ")} ended with status ${child.exitCode}`);
    await Bun.sleep(1);
  }
  return program;
}

const answers = (url: string) =>
  fetch(url).then(
    async (response) => (await response.arrayBuffer(), true),
    () => false,
  );

/** Stops every server that is still running. */
export async function stopAll(): Promise<void> {
  await Promise.all([...running].map((program) => program.stop()));
}
