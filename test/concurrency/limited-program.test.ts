import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { runLimited, type ProgramLimits } from "../../src/concurrency/limited-program.ts";
import { until } from "../support/until.ts";

const limits: ProgramLimits = {
  processorSeconds: 20,
  clockSeconds: 300,
  memoryBytes: 2 ** 31,
  fileBytes: 1000,
  niceness: 15,
};
const signal = new AbortController().signal;
const run = (script: string, given: Partial<ProgramLimits> = {}) =>
  runLimited(["/bin/sh", "-c", script], { ...limits, ...given }, signal);

// Other systems have a limit on the clock only.
describe.skipIf(process.platform !== "linux")("limited programs", () => {
  let folder = "";
  beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "limited-"))));
  afterAll(() => rm(folder, { recursive: true }));

  test("limited program: its output, its error output and its status are returned", async () => {
    expect(await run("echo answer; echo problem >&2; exit 3")).toEqual({
      end: "exited",
      status: 3,
      output: "answer\n",
      errorOutput: "problem\n",
    });
  });

  test("limited program: has no environment but what a shell makes, and a low priority", async () => {
    const { output = "" } = await run("exec /usr/bin/env; ");
    expect(output.split("\n").filter((line) => line && !/^(PWD|SHLVL|_|OLDPWD)=/.test(line))).toEqual([]);
    const { output: stat = "" } = await run("cat /proc/self/stat /proc/self/oom_score_adj");
    // nice is the 19th field.
    expect(Number(stat.split(" ")[18])).toBeGreaterThanOrEqual(15);
    expect(stat.trimEnd().split("\n").at(-1)).toBe("1000");
  });

  test("limited program: keeps no file of the service open", async () => {
    const { output = "" } = await run("ls -l /proc/$$/fd");
    const files = output.split("\n").flatMap((line) => / -> (.*)$/.exec(line)?.[1] ?? []);
    expect(files.filter((file) => !/^(\/dev\/null|pipe:|socket:|\/proc\/)/.test(file))).toEqual([]);
    expect(files.length).toBeLessThanOrEqual(4);
  });

  test("limited program: output beyond the limit is dropped, and of complaints the last is kept", async () => {
    const { output, errorOutput } = await run(
      "yes | head -c 300000; yes no | head -c 9000 >&2; echo last >&2",
    );
    expect(output?.length).toBeUndefined();
    expect(errorOutput.length).toBe(4096);
    expect(errorOutput).toEndWith("last\n");
  });

  test("limited program: output up to the limit arrives whole, however slowly it is read", async () => {
    const flags = await run("grep ^flags /proc/self/fdinfo/1 /proc/self/fdinfo/2");
    // O_NONBLOCK, in octal.
    for (const [, octal = ""] of flags.output!.matchAll(/(\d+)$/gm))
      expect(parseInt(octal, 8) & 0o4000).toBe(0);
    expect((await run("yes | head -c 250000")).output?.length).toBe(250_000);
  });

  test("limited program: is killed at the limit of processor time", async () => {
    expect(await run("while :; do :; done", { processorSeconds: 1 })).toMatchObject({
      end: "processor time",
    });
  });

  test("limited program: is killed at the limit of the clock, though it uses no processor time", async () => {
    expect(await run("exec sleep 1000", { clockSeconds: 0.3 })).toMatchObject({ end: "clock" });
  });

  test("limited program: cannot write a larger file or take more memory than it may", async () => {
    const file = join(folder, "large");
    expect((await run(`head -c 2000 /dev/zero > ${file}`)).status).not.toBe(0);
    expect(Bun.file(file).size).toBeLessThanOrEqual(1000);
    expect((await run("ulimit -v", { memoryBytes: 2 ** 29 })).output).toBe(`${2 ** 19}\n`);
  });

  test("limited program: a kill from outside and a crash are told apart", async () => {
    expect(await run("kill -9 $$")).toMatchObject({ end: "killed", status: null });
    expect(await run("kill -SEGV $$")).toMatchObject({ end: "crashed", status: null });
  });

  test("limited program: is killed when the signal aborts", async () => {
    const abort = new AbortController();
    const file = join(folder, "pid");
    const running = runLimited(["/bin/sh", "-c", `echo $$ > ${file}; exec sleep 1000`], limits, abort.signal);
    const ended = running.catch((error: unknown) => error);
    await until(() => existsSync(file) && readFileSync(file, "utf8").endsWith("\n"));
    const reason = new Error("stop");
    abort.abort(reason);
    expect(await ended).toBe(reason);
    expect(existsSync(`/proc/${readFileSync(file, "utf8").trim()}`)).toBe(false);
    await expect(runLimited(["/bin/true"], limits, abort.signal)).rejects.toBe(reason);
  });

  test("limited program: what a script has started ends with it, at the limit of the clock and after its own end", async () => {
    for (const [script, given, end] of [
      ["sleep 1000 & echo $! >&2; wait", { clockSeconds: 8 }, "clock"],
      ["sleep 1000 & echo $! >&2", {}, "exited"],
    ] as const) {
      const result = await run(script, given);
      expect(result.end).toBe(end);
      await until(() => !isRunning(result.errorOutput.trim()));
    }
  });

  test("limited program: a process that has left its group does not keep the caller waiting", async () => {
    const file = join(folder, "stray");
    expect(
      await run(`setsid sh -c 'echo $$ > ${file}; exec sleep 1000' & until [ -s ${file} ]; do :; done`),
    ).toMatchObject({ end: "unread", status: 0, output: undefined });
    process.kill(Number(readFileSync(file, "utf8")), "SIGKILL");
  });

  test("limited program: has the priority that its limits say", async () => {
    const { output = "" } = await run("cat /proc/self/stat", { niceness: 7 });
    expect(Number(output.split(" ")[18])).toBeGreaterThanOrEqual(7);
    expect(Number(output.split(" ")[18])).toBeLessThan(15);
  });

  test("limited program: ends when the service is killed", async () => {
    const file = join(folder, "orphan");
    const module = join(import.meta.dir, "../../src/concurrency/limited-program.ts");
    const script = `import { runLimited } from ${JSON.stringify(module)};
      const command = ["/bin/sh", "-c", "echo $$ > ${file}; exec sleep 1000"];
      await runLimited(command, ${JSON.stringify(limits)}, new AbortController().signal);`;
    const service = Bun.spawn([process.execPath, "-e", script], { stdio: ["ignore", "inherit", "inherit"] });
    await until(() => existsSync(file) && readFileSync(file, "utf8").endsWith("\n"));
    const pid = readFileSync(file, "utf8").trim();
    expect(existsSync(`/proc/${pid}`)).toBe(true);
    service.kill("SIGKILL");
    await until(() => !isRunning(pid));
  });
});

/** Whether a process runs; one that has ended may wait as a zombie to be reaped. */
function isRunning(pid: string): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    return false;
  }
}
