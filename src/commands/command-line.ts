/** An invalid command line: a sentence for the operator, exit status 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** A command and the arguments it takes. */
export interface Command {
  /** The name of the argument; a command without one takes no argument. */
  readonly argument?: string;
  /** Whether the argument may be omitted. */
  readonly optional?: boolean;
  /** The options; none of them takes a value. */
  readonly options?: readonly string[];
  run(argument: string, options: ReadonlySet<string>): Promise<void>;
}

/**
 * Parses a command line. Without a command, it selects the first one.
 * @returns a function that runs the command; an omitted argument is passed as an empty string
 * @throws UsageError, whose message never repeats arguments or values of options, because they may be passwords
 */
export function readCommandLine(
  commands: ReadonlyMap<string, Command>,
  [first, ...rest]: readonly string[],
): () => Promise<void> {
  const [name = ""] = first === undefined ? commands.keys() : [first];
  const command = commands.get(name);
  if (!command) throw new UsageError(unknown(name));

  const { argument, optional = false, options = [] } = command;
  const operands = rest.filter((word) => !isOption(word));
  const given = rest.filter(isOption);
  const unsupported = given.find((option) => !options.includes(option));
  if (unsupported !== undefined) throw new UsageError(`${name}: ${unknown(unsupported)}`);
  if (operands.length > (argument === undefined ? 0 : 1))
    throw new UsageError(`${name} takes ${argument === undefined ? "no argument" : "only one argument"}.`);
  if (argument !== undefined && !optional && operands.length === 0)
    throw new UsageError(`${name}: ${argument} is missing.`);
  // Most likely an unset variable in a script.
  if (operands[0] === "") throw new UsageError(`${name}: ${argument} is empty.`);
  return () => command.run(operands[0] ?? "", new Set(given));
}

const isOption = (word: string) => word.startsWith("-");

const unknown = (word: string): string =>
  isOption(word)
    ? `Unknown option ${JSON.stringify(word.split("=")[0])}.`
    : `Unknown command ${JSON.stringify(word)}.`;
