import { wholeNumber } from "./numbers.ts";
import { parseWebAddress } from "./web-address.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Creates functions that read variables of the environment. An empty value counts as unset. Instead of throwing, they
 * record problems, so that all can be reported at once.
 */
export function settingsReader(environment: Environment) {
  /** One sentence for each invalid variable. */
  const problems: string[] = [];
  /** The names of all variables that were read. */
  const known = new Set<string>();

  const text = (name: string) => {
    known.add(name);
    return environment[name]?.trim() || undefined;
  };

  /** Returns the parsed variable. If `parse` returns undefined, records a problem and returns the fallback. */
  function setting<T>(
    name: string,
    fallback: T,
    expected: string,
    parse: (value: string) => T | undefined,
  ): T {
    const value = text(name);
    if (value === undefined) return fallback;
    const parsed = parse(value);
    if (parsed === undefined) problems.push(`${name} must be ${expected}.`);
    return parsed ?? fallback;
  }

  const oneOf = <T extends string>(name: string, fallback: T, values: readonly T[]) =>
    setting(name, fallback, `one of ${values.join(", ")}`, (v) =>
      values.find((known) => known === v.toLowerCase()),
    );
  const integer = (name: string, fallback: number, min: number, max: number) =>
    setting(name, fallback, `a whole number from ${min} to ${max}`, (v) => wholeNumber(v, min, max));

  /** Returns the URL without a trailing slash. If it is invalid, records a problem and returns the fallback. */
  function address<T>(name: string, fallback: T): string | T {
    const value = text(name);
    if (value === undefined) return fallback;
    const parsed = parseWebAddress(value);
    if ("address" in parsed) return parsed.address;
    problems.push(`${name} must ${parsed.problem}.`);
    return fallback;
  }

  /** Returns these variables if all are set, undefined if none is. Anything in between is a problem. */
  function allOrNone<T extends string>(...names: T[]): Record<T, string> | undefined {
    const given = names.filter((name) => text(name) !== undefined);
    if (given.length === 0) return undefined;
    const missing = names.filter((name) => !given.includes(name));
    if (missing.length > 0)
      problems.push(
        `${missing.join(" and ")} must be set too, because ${given.join(" and ")} ${given.length > 1 ? "are" : "is"}.`,
      );
    return Object.fromEntries(names.map((name) => [name, text(name) ?? ""])) as Record<T, string>;
  }

  return { text, setting, oneOf, integer, address, allOrNone, problems, known };
}
