/** A command line that cannot be understood: one plain sentence, exit status 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** What a command takes and does. */
export interface Command {
  /** The name of its argument; it takes none when left out. */
  readonly argument?: string;
  /** Whether the argument may be left out. */
  readonly optional?: boolean;
  /** Its options; none of them has a value. */
  readonly options?: readonly string[];
  run(argument: string, options: ReadonlySet<string>): Promise<void>;
}

/**
 * Finds the command that a command line asks for; without a name, the first one.
 * @returns runs the command; an argument that is left out is empty
 * @throws UsageError. It repeats no arguments and no values of options, which may be passwords.
 */
export function readCommandLine(
  commands: ReadonlyMap<string, Command>,
  [given, ...rest]: readonly string[],
): () => Promise<void> {
  const [name = given ?? ""] = given === undefined ? commands.keys() : [given];
  const command = commands.get(name);
  if (!command) throw new UsageError(unknown(name));

  const { argument, optional = false, options = [] } = command;
  const operands = rest.filter((word) => !isOption(word));
  const chosen = rest.filter(isOption);
  const wrong = chosen.find((option) => !options.includes(option));
  if (wrong !== undefined) throw new UsageError(`${name}: ${unknown(wrong)}`);
  if (operands.length > (argument === undefined ? 0 : 1))
    throw new UsageError(`${name} takes ${argument === undefined ? "no argument" : "one argument only"}.`);
  if (argument !== undefined && !optional && operands.length === 0)
    throw new UsageError(`${name}: ${argument} is missing.`);
  // Most likely a variable of a script that is not set.
  if (operands[0] === "") throw new UsageError(`${name}: ${argument} is empty.`);
  return () => command.run(operands[0] ?? "", new Set(chosen));
}

const isOption = (word: string) => word.startsWith("-");

const unknown = (word: string): string =>
  isOption(word)
    ? `Unknown option ${JSON.stringify(word.split("=")[0])}.`
    : `Unknown command ${JSON.stringify(word)}.`;
