import { readFileSync } from "node:fs";

import { ConfigError } from "./config.ts";

const path = ".env";

/**
 * Adds the variables of the file `.env` in the working folder to the environment. Variables that are already set keep their
 * values. Quoted values are taken literally, unlike in Bun's own loader, which is disabled because it expands `$name` even
 * in single quotes.
 * @throws ConfigError if the file exists but cannot be read
 */
export function loadEnvironmentFile(): void {
  try {
    process.loadEnvFile(path);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    // A folder named .env has another purpose.
    if (!["ENOENT", "EISDIR"].includes(code))
      throw new ConfigError([`The file .env in the working folder cannot be read (${code}).`]);
  }
}

/** Limit of line numbers in a warning. */
const maxNamedLines = 10;

/**
 * Finds the lines of `.env` that {@link loadEnvironmentFile} ignores or reads only partly.
 * @returns at most one sentence, without names or values of variables
 */
export function environmentFileWarnings(): string[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return [];
  }
  const lines = unparsedLines(text);
  if (lines.length === 0) return [];
  const named = lines.slice(0, maxNamedLines).join(", ");
  const more = lines.length > maxNamedLines ? ` and ${lines.length - maxNamedLines} more` : "";
  return [
    `${lines.length === 1 ? "Line" : "Lines"} ${named}${more} of the file .env cannot be parsed. Write NAME=value, and close every quote that begins a value.`,
  ];
}

const blank = String.raw`[^\S\r\n]*`;
const comment = String.raw`(?:#[^\r\n]*)?`;
const lineEnd = String.raw`(?:\r\n|[\r\n]|$)`;
/** Only quoted values may contain line breaks. */
const quoted = ["'", '"', "`"].map(
  (quote) => `${quote}(?:\\\\${quote}|[^${quote}])*${quote}${blank}${comment}`,
);
const unquoted = `(?!${blank}['"\`])[^\\r\\n]*`;
const variable = String.raw`(?:export[^\S\r\n]+)?[\w.-]+${blank}(?:=|:(?=[ \t]))(?:${blank}(?:${quoted.join("|")})|${unquoted})`;
const statement = new RegExp(`${blank}(?:${variable}|${comment})${lineEnd}`, "y");
const anyLine = new RegExp(`[^\\r\\n]*${lineEnd}`, "y");

/** Returns the numbers, from 1, of the lines that begin neither a variable nor a comment and are not blank. */
function unparsedLines(text: string): number[] {
  const unparsed: number[] = [];
  const match = (pattern: RegExp, at: number) => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0];
  };
  let line = 1;
  for (let at = 0; at < text.length;) {
    const understood = match(statement, at);
    if (understood === undefined) unparsed.push(line);
    const passed = understood ?? match(anyLine, at) ?? "";
    line += passed.match(/\r\n|[\r\n]/g)?.length ?? 0;
    at += passed.length;
  }
  return unparsed;
}
