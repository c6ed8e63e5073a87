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
  /** The options, each with the name of its value; null for one that takes none. */
  readonly options?: Readonly<Record<string, string | null>>;
  /** @param options the given options with their values; an empty text for one that takes none */
  run(argument: string, options: ReadonlyMap<string, string>): Promise<void>;
}

/**
 * Parses a command line. Without a command, it selects the first one; with `--help` anywhere, the command of that name.
 * @returns a function that runs the command; an omitted argument is passed as an empty string
 * @throws UsageError, whose message never repeats arguments or values of options, because they may be passwords
 */
export function readCommandLine(
  commands: ReadonlyMap<string, Command>,
  words: readonly string[],
): () => Promise<void> {
  const [first, ...rest] = words.includes("--help") ? ["--help"] : words;
  const [name = ""] = first === undefined ? commands.keys() : [first];
  const command = commands.get(name);
  if (!command) throw new UsageError(unknown(name));

  const { argument, optional = false } = command;
  const { operands, options } = parse(name, command, rest);
  if (operands.length > (argument === undefined ? 0 : 1))
    throw new UsageError(`${name} takes ${argument === undefined ? "no argument" : "only one argument"}.`);
  if (argument !== undefined && !optional && operands.length === 0)
    throw new UsageError(`${name}: ${argument} is missing.`);
  // Most likely an unset variable in a script.
  if (operands[0] === "") throw new UsageError(`${name}: ${argument} is empty.`);
  return () => command.run(operands[0] ?? "", options);
}

/**
 * Separates operands from options; a value follows its option as the next word or after `=`.
 * @throws UsageError
 */
function parse(name: string, { options: allowed = {} }: Command, words: readonly string[]) {
  const operands: string[] = [];
  const options = new Map<string, string>();
  const remaining = words.values();
  for (const word of remaining) {
    if (!isOption(word)) {
      operands.push(word);
      continue;
    }
    const [option = "", ...rest] = word.split("=");
    const valueName = Object.hasOwn(allowed, option) ? allowed[option] : undefined;
    if (valueName === undefined) throw new UsageError(`${name}: ${unknown(word)}`);
    if (valueName === null && rest.length > 0) throw new UsageError(`${name}: ${option} takes no value.`);
    if (options.has(option)) throw new UsageError(`${name}: ${option} is given twice.`);
    const value = valueName === null ? "" : rest.length > 0 ? rest.join("=") : remaining.next().value;
    if (valueName !== null && !value) throw new UsageError(`${name}: ${option} needs ${valueName}.`);
    options.set(option, value ?? "");
  }
  return { operands, options };
}

const isOption = (word: string) => word.startsWith("-");

const unknown = (word: string): string =>
  isOption(word)
    ? `Unknown option ${JSON.stringify(word.split("=")[0])}.`
    : `Unknown command ${JSON.stringify(word)}.`;
