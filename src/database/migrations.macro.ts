// A macro: it runs when the code is bundled or transpiled, so that the executable contains the SQL.
import { readFileSync } from "node:fs";
import { join } from "node:path";

export interface Migration {
  tag: string;
  statements: string[];
}

/** The migrations of `drizzle/<dialect>/`, oldest first. */
export function embeddedMigrations(dialect: string): Migration[] {
  const folder = join(import.meta.dir, "../../drizzle", dialect);
  const journal = JSON.parse(readFileSync(join(folder, "meta/_journal.json"), "utf8")) as {
    entries: { tag: string }[];
  };
  return journal.entries.map(({ tag }) => ({
    tag,
    statements: readFileSync(join(folder, `${tag}.sql`), "utf8")
      .split("--> statement-breakpoint")
      .map((statement) => statement.trim()),
  }));
}
