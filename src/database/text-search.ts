import { and, or, sql, type Column, type SQL } from "drizzle-orm";

import type { Connection } from "./connection.ts";

/**
 * Builds the condition that one of some columns contains a text, in any case.
 *
 * LIKE compares the ASCII characters, with `_` in place of all others, which are compared in the rows that are left: by GLOB
 * on SQLite and by a regular expression on PostgreSQL, both several times slower. SQLite's LIKE ignores case in ASCII only.
 * So do PostgreSQL's `lower` and `~` under the collation "C"; in another locale they take twice the time, as ILIKE does.
 * @param columns texts without line breaks
 * @param text without NUL
 */
export function containsText(
  { dialect }: Pick<Connection, "dialect">,
  columns: readonly Column[],
  text: string,
): SQL | undefined {
  const isAscii = !/\P{ASCII}/u.test(text);
  const pattern = `%${escapeLike(text).replace(/\P{ASCII}/gu, "_")}%`;
  if (dialect === "sqlite")
    return or(
      ...columns.map((column) => {
        const like = sql`${column} like ${pattern} escape '\\'`;
        return isAscii ? like : and(like, sql`${column} glob ${globPattern(text)}`);
      }),
    );
  const like = or(
    ...columns.map((column) => sql`lower(${column} collate "C") like ${pattern.toLowerCase()}`),
  );
  if (isAscii) return like;
  if (text.includes("\n")) return sql`false`;
  const texts = columns.map((column) => sql`coalesce(${column}, '')`);
  // One call for all columns, because a call costs more than joining texts.
  const matches = sql`(${sql.join(texts, sql` || chr(10) || `)}) collate "C" ~ ${regularExpression(text)}`;
  // Without an ASCII letter or digit, LIKE would let most rows pass. The case makes PostgreSQL evaluate it first.
  return /[a-z\d]/i.test(text) ? sql`case when ${like} then ${matches} end` : matches;
}

const escapeLike = (text: string) => text.replace(/[\\%_]/g, "\\$&");

/** The pattern of SQLite's GLOB, in which every character is the set of its cases. */
const globPattern = (text: string) =>
  `*${Array.from(text, (character) => {
    const cases = casesOf(character);
    return cases.length > 1 || /[*?[]/.test(character) ? `[${cases.join("")}]` : character;
  }).join("")}*`;

/** A regular expression of PostgreSQL, in which every character is the set of its cases. */
const regularExpression = (text: string) =>
  Array.from(text, (character) => {
    const cases = casesOf(character);
    // A backslash before a letter or digit would be an escape sequence.
    return cases.length > 1 ? `[${cases.join("")}]` : character.replace(/[!-/:-@[-`{-~]/, "\\$&");
  }).join("");

/** Returns a character and its other cases, where these are single characters. */
const casesOf = (character: string): string[] =>
  [...new Set([character, character.toLowerCase(), character.toUpperCase()])].filter(
    (variant) => [...variant].length === 1,
  );
