import { expect, test } from "bun:test";

import { copiedTables } from "../../src/database/copy-tables.ts";
import { sqlite } from "../../src/database/kit.ts";
import { createTables } from "../../src/database/schema.ts";

test("copy of a database: includes every table, so that neither a backup nor a move loses one", () => {
  expect([...copiedTables].sort()).toEqual(Object.keys(createTables(sqlite)).sort() as typeof copiedTables);
});
