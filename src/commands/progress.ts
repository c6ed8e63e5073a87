/** Characters of the bar on a terminal. */
const barWidth = 24;

/** Milliseconds between two updates of the bar on a terminal. */
const barIntervalMs = 100;

/** Milliseconds between two lines where the output is not a terminal (a log, a pipe). */
const lineIntervalMs = 10_000;

/** The progress of a long command. */
export interface Progress {
  /**
   * Shows how much of a step is done. Cheap enough to be called for every item.
   * @param step what is counted, like "posts copied"; the end of each step is always shown
   * @param done the items done so far
   * @param total all items of the step; null when unknown
   */
  update(step: string, done: number, total: number | null): void;
  /** Prints a line of its own, above the bar. */
  note(line: string): void;
  /** Ends the bar's line. */
  end(): void;
}

/** Shows nothing. */
export const noProgress: Progress = { update() {}, note() {}, end() {} };

/** Where progress is written to: a part of `process.stderr`. */
export interface ProgressOutput {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/**
 * Shows the progress of a command: as a bar on a terminal, otherwise as a line every ten seconds and at the end of each
 * step. It goes to stderr, so that stdout holds results only.
 * @param now a clock in milliseconds
 */
export function createProgress(
  output: ProgressOutput = process.stderr,
  now: () => number = performance.now.bind(performance),
): Progress {
  const bar = output.isTTY === true;
  let shownAt = bar ? -Infinity : now();
  let isBarShown = false;
  const clearBar = () => {
    if (isBarShown) output.write("\r\x1b[K");
    isBarShown = false;
  };
  return {
    update(step, done, total) {
      const isLast = done === total;
      const time = now();
      if (!isLast && time - shownAt < (bar ? barIntervalMs : lineIntervalMs)) return;
      shownAt = time;
      const counts = total === null ? `${step}: ${done}` : `${step}: ${done} of ${total}`;
      clearBar();
      if (!bar || isLast) output.write(`${counts}\n`);
      else {
        output.write(total === null ? counts : `${drawBar(done, total)} ${counts}`);
        isBarShown = true;
      }
    },
    note(line) {
      clearBar();
      output.write(`${line}\n`);
    },
    end() {
      if (isBarShown) output.write("\n");
      isBarShown = false;
    },
  };
}

function drawBar(done: number, total: number): string {
  const part = total === 0 ? 1 : done / total;
  const filled = Math.min(barWidth, Math.floor(part * barWidth));
  return `[${"#".repeat(filled)}${" ".repeat(barWidth - filled)}] ${Math.floor(part * 100)} %`;
}
