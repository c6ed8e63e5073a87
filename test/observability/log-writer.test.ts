import { describe, expect, test } from "bun:test";
import { createServer } from "node:net";

import { createLogWriter, type Write } from "../../src/observability/log-writer.ts";
import { until } from "../support/until.ts";

const decode = (chunks: Uint8Array[]) => Buffer.concat(chunks).toString();
const failure = (code: string) => Object.assign(new Error(code), { code });
const reportOf = (lines: number) => `dropped ${lines}\n`;
const line = (number: number) => `${number} ${"x".repeat(1000)}\n`;

/** A reader that accepts this many bytes of each write, or fails. */
function reader() {
  const taken: Uint8Array[] = [];
  const state: { takes: number | "EAGAIN" | "EPIPE" } = { takes: Infinity };
  const write: Write = (bytes) => {
    if (typeof state.takes === "string") throw failure(state.takes);
    const part = bytes.slice(0, state.takes);
    taken.push(part);
    return part.length;
  };
  return { state, write, text: () => decode(taken) };
}

describe("log writer", () => {
  test("log writer: writes lines in batches and in order, however many bytes the reader accepts", async () => {
    const { state, write, text } = reader();
    state.takes = 7;
    const writer = createLogWriter(write, reportOf);
    writer.write("one\n");
    writer.write("two\n");
    expect(text()).toBe("");
    await until(() => text() === "one\ntwo\n");
    writer.write("three\n");
    await writer.drain();
    expect([text(), writer.dropped()]).toEqual(["one\ntwo\nthree\n", 0]);
  });

  test("log writer: loses nothing while the reader pauses", async () => {
    const { state, write, text } = reader();
    const writer = createLogWriter(write, reportOf);
    state.takes = "EAGAIN";
    for (let i = 0; i < 500; i++) writer.write(line(i));
    // The writer tries several times within this time.
    await Bun.sleep(100);
    expect(text()).toBe("");
    state.takes = 4096;
    await writer.drain();
    expect(text()).toBe(Array.from({ length: 500 }, (_, i) => line(i)).join(""));
    expect(writer.dropped()).toBe(0);
  });

  test("log writer: buffers a limited number of lines for a stopped reader, and reports how many it dropped", async () => {
    const { state, write, text } = reader();
    const writer = createLogWriter(write, reportOf);
    state.takes = "EAGAIN";
    for (let i = 0; i < 5000; i++) writer.write(line(i));
    // The writer tries several times within this time.
    await Bun.sleep(100);
    state.takes = Infinity;
    await writer.drain();
    writer.write("the next\n");
    await writer.drain();
    const lines = text().trim().split("\n");
    const kept = lines.filter((one) => / x+$/.test(one)).length;
    expect(kept).toBeWithin(500, 2500);
    expect(writer.dropped()).toBe(5000 - kept);
    expect(lines.filter((one) => one.startsWith("dropped"))).toEqual([`dropped ${5000 - kept}`]);
    expect(lines.at(-1)).toBe("the next");
  });

  test("log writer: counts the lines that a closed reader lost, and reports them to the next one", async () => {
    const { state, write, text } = reader();
    const writer = createLogWriter(write, reportOf);
    for (const [takes, written] of [
      ["EPIPE", "one\n"],
      ["EPIPE", "two\nthree\n"],
      [Infinity, "four\n"],
    ] as const) {
      state.takes = takes;
      for (const each of written.split(/(?<=\n)/)) writer.write(each);
      await writer.drain();
    }
    expect([text(), writer.dropped()]).toEqual(["dropped 3\nfour\n", 3]);
  });

  test("log writer: starts a new line after an incomplete one", async () => {
    const taken: Uint8Array[] = [];
    let calls = 0;
    const writer = createLogWriter((bytes) => {
      if (++calls === 2) throw failure("ENOSPC");
      const part = bytes.slice(0, calls === 1 ? 5 : undefined);
      taken.push(part);
      return part.length;
    }, reportOf);
    writer.write("a long line\n");
    await writer.drain();
    writer.write("another\n");
    await writer.drain();
    expect(decode(taken)).toBe("a lon\ndropped 1\nanother\n");
  });
});

/** Logs much for a second while a timer runs. Prints the timer's longest delay and the number of dropped lines. */
const program = `
  const { createLogWriter, standardError } = await import(${JSON.stringify(`${import.meta.dir}/../../src/observability/log-writer.ts`)});
  const writer = createLogWriter(standardError(), (lines) => "dropped " + lines + "\\n");
  let [late, last] = [0, performance.now()];
  setInterval(() => {
    const now = performance.now();
    [late, last] = [Math.max(late, now - last - 10), now];
    for (let i = 0; i < 100; i++) writer.write("x".repeat(500) + "\\n");
  }, 10);
  setTimeout(() => {
    console.log(JSON.stringify({ late, dropped: writer.dropped() }));
    process.exit(0);
  }, 1000);`;
const run = [process.execPath, "-e", program];

describe("log writer: standard error without a reader", () => {
  test.each(["pipe", "socket"])(
    "log writer: a %s that is not read does not block the process",
    async (kind) => {
      const server = createServer((socket) => socket.pause());
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const { port } = server.address() as { port: number };
      // The reader sleeps, and the program gets only the shell's end of the connection.
      const shell = kind === "pipe" ? `"$@" 2> >(sleep 3)` : `exec 9<>/dev/tcp/127.0.0.1/${port}; "$@" 2>&9`;
      const child = Bun.spawn(["bash", "-c", shell, "bash", ...run], { stdout: "pipe", stderr: "ignore" });
      const { late, dropped } = JSON.parse(await new Response(child.stdout).text());
      expect(await child.exited).toBe(0);
      expect(late).toBeLessThan(500);
      if (kind === "pipe") expect(dropped).toBeGreaterThan(0);
      server.close();
    },
  );
});
