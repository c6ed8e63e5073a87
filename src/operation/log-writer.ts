import { writeSync } from "node:fs";

/** Milliseconds for which lines are collected: one write a request would cost more than the line. */
const collectedMs = 50;

/** Characters after which lines are written without waiting for more. */
const batchLength = 64 * 1024;

/** Milliseconds between attempts while the reader does not keep up. */
const retryMs = 10;

/** Characters that wait at most for such a reader: some 5,000 lines. */
const maxWaitingLength = 1024 ** 2;

/** Milliseconds that the end of the service waits for the reader. */
const drainMs = 1000;

/** Writes a part of the bytes, or all; returns how many. Throws an error with the code EAGAIN rather than wait. */
export type Write = (bytes: Uint8Array) => number;

export interface LogWriter {
  /** Never blocks and never throws. */
  write(line: string): void;
  /** Lines that were dropped so far. */
  dropped(): number;
  /** Resolves when everything is written, after a second at most. */
  drain(): Promise<void>;
}

/** Standard error. Bun makes a pipe or socket non-blocking when `process.stderr` is first used. */
export function standardError(): Write {
  const { fd } = process.stderr;
  return (bytes) => writeSync(fd, bytes);
}

/**
 * Writes lines together, many times a second. A reader that is gone or does not keep up must not stop the service: what
 * it does not take is dropped and counted, and the number is written as soon as lines are taken again.
 * @param reportOf the line that tells how many lines were dropped
 */
export function createLogWriter(write: Write, reportOf: (dropped: number) => string): LogWriter {
  let waiting = "";
  let waitingLines = 0;
  /** What is being written, while the reader does not take it. */
  let batch: { bytes: Uint8Array; written: number; lines: number; reports: number } | undefined;
  let isCut = false;
  let droppedLines = 0;
  let reportedLines = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function nextBatch() {
    const reports = droppedLines - reportedLines;
    // After a line that was cut, the next one must not look like a part of it.
    const text = (isCut ? "\n" : "") + (reports > 0 ? reportOf(reports) : "") + waiting;
    const next = { bytes: Buffer.from(text), written: 0, lines: waitingLines, reports };
    waiting = "";
    waitingLines = 0;
    return next;
  }

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    if (!batch && waiting === "") return;
    const current = (batch ??= nextBatch());
    const { bytes } = current;
    try {
      while (current.written < bytes.length) current.written += write(bytes.subarray(current.written));
      reportedLines += current.reports;
      isCut = false;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EAGAIN") {
        timer = setTimeout(flush, retryMs);
        return;
      }
      droppedLines += current.lines;
      isCut ||= current.written > 0;
    }
    batch = undefined;
    if (waiting !== "") timer = setTimeout(flush, 0);
  }

  process.on("exit", flush);
  return {
    write(line) {
      if (waiting.length + line.length > maxWaitingLength) {
        droppedLines += 1;
        return;
      }
      waiting += line;
      waitingLines += 1;
      if (waiting.length > batchLength && !batch) flush();
      else timer ??= setTimeout(flush, collectedMs);
    },
    dropped: () => droppedLines,
    async drain() {
      const until = performance.now() + drainMs;
      for (flush(); (batch || waiting !== "") && performance.now() < until; flush()) await Bun.sleep(retryMs);
    },
  };
}
