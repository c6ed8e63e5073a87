import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { markImport } from "../../src/folder-import/import-mark.ts";
import { createTempDir } from "../../src/uploads/temp-dir.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "image-sharing-import-"));
});
afterEach(() => rm(root, { recursive: true }));

const tempDir = async () => (await createTempDir(root, { shared: false })).path;

test("import mark: finds another running import for the same account, and none for another account", async () => {
  const [first, second, service] = [await tempDir(), await tempDir(), await tempDir()];
  expect(service).not.toBe(first);
  expect(await markImport(first, "ada")).toBeUndefined();
  expect(await markImport(second, "bob")).toBeUndefined();
  expect(await markImport(second, "ada")).toBe(process.pid);
});

test("import mark: an import whose process has ended does not count", async () => {
  const ended = Bun.spawn(["true"]);
  await ended.exited;
  const first = await tempDir();
  await markImport(first, "ada");
  await rename(first, first.replace(`${process.pid}@`, `${ended.pid}@`));
  expect(await markImport(await tempDir(), "ada")).toBeUndefined();
});
