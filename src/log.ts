import { logLevels, type LogLevel } from "./config.ts";

/** What an event is told with. Errors are told by name, message and stack; nobody puts secrets in. */
export type LogFields = Record<string, unknown>;

/** One line for every event, named like `post.published`. */
export type Log = Record<Exclude<LogLevel, "silent">, (event: string, fields?: LogFields) => void>;

/** A log of JSON lines, from `level` upward. */
export function createLog(level: LogLevel, write: (line: string) => void): Log {
  const from = logLevels.indexOf(level);
  const at = (name: keyof Log) =>
    logLevels.indexOf(name) < from
      ? () => {}
      : (event: string, fields: LogFields = {}) =>
          write(
            `${JSON.stringify({ time: new Date().toISOString(), level: name, event, ...fields }, tellError)}\n`,
          );
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

function tellError(_key: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  const { name, message, stack, cause } = value;
  return { name, message, stack, cause };
}
