import { writeSync } from "node:fs";

/** Milliseconds between batches. Lines are batched, because a write costs more than formatting a line. */
const batchMs = 50;

/** Characters after which a batch is written without waiting. */
const batchLength = 64 * 1024;

/** Milliseconds between attempts while the reader is too slow. */
const retryMs = 10;

/** Limit of the characters that wait for a slow reader, about 5,000 lines. */
const maxWaitingLength = 1024 ** 2;

/** Milliseconds that shutdown waits for a slow reader. */
const drainMs = 1000;

/** Writes some or all of the bytes and returns how many. Throws an error with the code EAGAIN instead of blocking. */
export type Write = (bytes: Uint8Array) => number;

export interface LogWriter {
  /** Never blocks and never throws. */
  write(line: string): void;
  /** The number of lines dropped so far. */
  dropped(): number;
  /** Resolves when all lines are written, or after one second. */
  drain(): Promise<void>;
}

/**
 * Writes to standard error without blocking: Bun makes a pipe or socket non-blocking when `process.stderr` is first used
 * (docs/decisions/0015-non-blocking-log.md).
 */
export function standardError(): Write {
  const { fd } = process.stderr;
  return (bytes) => writeSync(fd, bytes);
}

/**
 * Writes lines in batches, many times per second. A reader that is too slow or has closed the pipe must not block the
 * service: when the buffer is full, lines are dropped, and a line with their number follows once the reader accepts
 * lines again.
 * @param reportOf formats the line that reports dropped lines
 */
export function createLogWriter(write: Write, reportOf: (dropped: number) => string): LogWriter {
  let waiting = "";
  let waitingLines = 0;
  /** The batch being written. */
  let batch: { bytes: Uint8Array; written: number; lines: number; reports: number } | undefined;
  /** Whether the last batch failed in the middle of a line. */
  let isCut = false;
  let droppedLines = 0;
  let reportedLines = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function nextBatch() {
    const reports = droppedLines - reportedLines;
    // A line feed separates the next line from the incomplete one.
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
      else timer ??= setTimeout(flush, batchMs);
    },
    dropped: () => droppedLines,
    async drain() {
      const until = performance.now() + drainMs;
      for (flush(); (batch || waiting !== "") && performance.now() < until; flush()) await Bun.sleep(retryMs);
    },
  };
}
