import { logLevels, type LogLevel } from "../config/config.ts";

/** Details of an event. They must not contain secrets. */
export type LogFields = Record<string, unknown>;

/** Writes one line per event; event names look like `sweep.done`. */
export type Log = Record<Exclude<LogLevel, "silent">, (event: string, fields?: LogFields) => void>;

/** Formats an event as a line. */
export type LogFormat = (level: string, event: string, fields: LogFields) => string;

/** Creates a log that writes events of `level` and above. */
export function createLog(level: LogLevel, write: (line: string) => void, format: LogFormat = jsonLine): Log {
  const from = logLevels.indexOf(level);
  const at = (name: keyof Log) =>
    logLevels.indexOf(name) < from
      ? () => {}
      : (event: string, fields: LogFields = {}) => write(format(name, event, fields));
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** One JSON object per line, for programs. */
export const jsonLine: LogFormat = (level, event, fields) => {
  const line = { time: new Date().toISOString(), level, event, ...fields };
  // A replacer makes JSON.stringify many times slower, and most lines contain no error.
  const holdsError = Object.values(fields).some((value) => typeof value === "object");
  return `${holdsError ? JSON.stringify(line, serializeError(level)) : JSON.stringify(line)}\n`;
};

/** Readable text, for people at a terminal. */
export const readableLine: LogFormat = (level, event, fields) => {
  const texts = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(
      ([name, value]) =>
        `${name}=${typeof value === "string" ? value : JSON.stringify(value, serializeError(level))}`,
    );
  return `${new Date().toTimeString().slice(0, 8)} ${level.padEnd(5)} ${event} ${texts.join(" ")}\n`;
};

/**
 * Serializes errors. Only events of level `error`, which may be bugs, include the stack. Leaves out the message of a
 * failed query, because drizzle repeats the query's parameters in it.
 */
const serializeError = (level: string) => (_key: string, value: unknown) => {
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
