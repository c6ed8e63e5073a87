import { describe, expect, test } from "bun:test";

import { readCommandLine, UsageError, type Command } from "../../src/commands/command-line.ts";

describe("command line", () => {
  let given: unknown[] = [];
  const copy: Command = {
    argument: "FILE",
    options: { "--to": "a place", "--fast": null },
    run: async (argument, options) => void (given = [argument, Object.fromEntries(options)]),
  };
  const help: Command = { run: async () => void (given = ["help"]) };
  const commands = new Map([
    ["copy", copy],
    ["--help", help],
  ]);

  test.each([
    [
      ["copy", "a", "--to", "b"],
      ["a", { "--to": "b" }],
    ],
    [
      ["copy", "--to=b=c", "a", "--fast"],
      ["a", { "--to": "b=c", "--fast": "" }],
    ],
    [
      ["copy", "a"],
      ["a", {}],
    ],
  ])("reads %j", async (words, expected) => {
    await readCommandLine(commands, words)();
    expect(given).toEqual(expected);
  });

  test.each([
    [["--help"]],
    [["copy", "--help"]],
    [["copy", "a", "--slow", "--help"]],
    [["unknown", "--help"]],
  ])("shows the help for %j", async (words) => {
    await readCommandLine(commands, words)();
    expect(given).toEqual(["help"]);
  });

  test.each([
    [["copy", "a", "--to"], "copy: --to needs a place."],
    [["copy", "a", "--to="], "copy: --to needs a place."],
    [["copy", "a", "--fast=1"], "copy: --fast takes no value."],
    [["copy", "a", "--to", "b", "--to", "c"], "copy: --to is given twice."],
    [["copy", "a", "--slow=secret"], 'copy: Unknown option "--slow".'],
    [["copy", "--to", "b"], "copy: FILE is missing."],
    [["copy", "a", "b"], "copy takes only one argument."],
  ])("refuses %j", (words, message) => {
    expect(() => readCommandLine(commands, words)).toThrow(new UsageError(message));
  });
});
