import { expect, test } from "bun:test";
import { freshDatabase } from "../support/postgres.ts";
import { openDatabase } from "../../src/database/database.ts";
test("x", async () => {
  const d = await openDatabase({ url: await freshDatabase(), poolSize: 4 });
  await d.ping();
  await d.close();
});
