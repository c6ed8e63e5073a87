import { describe, expect, test } from "bun:test";

import { createProgress } from "../../src/commands/progress.ts";

function record(isTTY: boolean) {
  let text = "";
  let time = 0;
  const output = { isTTY, write: (more: string) => (text += more) };
  return {
    progress: createProgress(output, () => time),
    pass: (ms: number) => (time += ms),
    text: () => text,
  };
}

describe("progress", () => {
  test("prints a line every ten seconds and at the end of a step where the output is no terminal", () => {
    const { progress, pass, text } = record(false);
    progress.update("posts copied", 1, 3);
    pass(10_000);
    progress.update("posts copied", 2, 3);
    progress.update("posts copied", 3, 3);
    progress.update("files read", 1, null);
    progress.end();
    expect(text()).toBe("posts copied: 2 of 3\nposts copied: 3 of 3\n");
  });

  test("redraws a bar on a terminal, at most ten times a second", () => {
    const { progress, pass, text } = record(true);
    progress.update("posts copied", 1, 4);
    pass(50);
    progress.update("posts copied", 2, 4);
    expect(text()).toBe(`[${"#".repeat(6)}${" ".repeat(18)}] 25 % posts copied: 1 of 4`);
    pass(50);
    progress.update("posts copied", 3, 4);
    expect(text()).toEndWith(`\r\x1b[K[${"#".repeat(18)}${" ".repeat(6)}] 75 % posts copied: 3 of 4`);
    progress.update("posts copied", 4, 4);
    expect(text()).toEndWith("\r\x1b[Kposts copied: 4 of 4\n");
  });

  test("prints notes above the bar and ends its line", () => {
    const { progress, text } = record(true);
    progress.update("files read", 7, null);
    progress.note("IMG_1.txt: not an image");
    progress.end();
    expect(text()).toBe("files read: 7\r\x1b[KIMG_1.txt: not an image\n");
  });
});
