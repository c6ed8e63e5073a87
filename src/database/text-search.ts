import { and, ilike, sql, type Column, type SQL } from "drizzle-orm";

import type { Connection } from "./connection.ts";

/**
 * Builds the condition that a column contains a text, in any case.
 *
 * SQLite's LIKE ignores case in ASCII only. Other letters are `_` in its pattern, and GLOB, which is several times slower,
 * compares them in the rows that are left. PostgreSQL's ILIKE is slow, because it follows the locale; an ASCII text
 * needs none.
 * @param text without NUL
 */
export function containsText(
  { dialect }: Pick<Connection, "dialect">,
  column: Column,
  text: string,
): SQL | undefined {
  const isAscii = !/\P{ASCII}/u.test(text);
  if (dialect === "pg") {
    const pattern = `%${escapeLike(text)}%`;
    return isAscii ? sql`lower(${column} collate "C") like ${pattern.toLowerCase()}` : ilike(column, pattern);
  }
  const pattern = `%${escapeLike(text).replace(/\P{ASCII}/gu, "_")}%`;
  const like = sql`${column} like ${pattern} escape '\\'`;
  return isAscii ? like : and(like, sql`${column} glob ${globPattern(text)}`);
}

const escapeLike = (text: string) => text.replace(/[\\%_]/g, "\\$&");

/** Every character becomes the set of its cases. */
const globPattern = (text: string) =>
  `*${Array.from(text, (character) => {
    const cases = new Set([character, character.toLowerCase(), character.toUpperCase()]);
    const single = [...cases].filter((variant) => [...variant].length === 1);
    return single.length > 1 || /[*?[]/.test(character) ? `[${single.join("")}]` : character;
  }).join("")}*`;
