import { logLevels, type LogLevel } from "../config.ts";

/** What an event is told with. Nobody puts secrets in, and errors are told without what they were given. */
export type LogFields = Record<string, unknown>;

/** One line for every event, named like `sweep.done`. */
export type Log = Record<Exclude<LogLevel, "silent">, (event: string, fields?: LogFields) => void>;

/** Writes an event as a line. */
export type LogFormat = (level: string, event: string, fields: LogFields) => string;

/** A log of lines, from `level` upward. */
export function createLog(level: LogLevel, write: (line: string) => void, format: LogFormat = jsonLine): Log {
  const from = logLevels.indexOf(level);
  const at = (name: keyof Log) =>
    logLevels.indexOf(name) < from
      ? () => {}
      : (event: string, fields: LogFields = {}) => write(format(name, event, fields));
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** For programs: one JSON object. */
export const jsonLine: LogFormat = (level, event, fields) => {
  const line = { time: new Date().toISOString(), level, event, ...fields };
  // A replacer makes writing many times slower, and most lines hold no error.
  const holdsError = Object.values(fields).some((value) => typeof value === "object");
  return `${holdsError ? JSON.stringify(line, tellError(level)) : JSON.stringify(line)}\n`;
};

/** For people at a terminal. */
export const readableLine: LogFormat = (level, event, fields) => {
  const told = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(
      ([name, value]) =>
        `${name}=${typeof value === "string" ? value : JSON.stringify(value, tellError(level))}`,
    );
  return `${new Date().toTimeString().slice(0, 8)} ${level.padEnd(5)} ${event} ${told.join(" ")}\n`;
};

/**
 * An error's kind and words, and where it may be ours its place: what went wrong outside is a warning. A query builder's
 * error repeats what the query was given: its words are left out.
 */
const tellError = (level: string) => (_key: string, value: unknown) => {
  if (!(value instanceof Error)) return value;
  const { name, message, stack = "", cause } = value;
  const { code } = value as { code?: unknown };
  return {
    name,
    message: "params" in value ? "a query failed" : message,
    code,
    cause,
    stack: level === "error" ? stack.split("\n").filter((line) => /^\s+at /.test(line)) : undefined,
  };
};
