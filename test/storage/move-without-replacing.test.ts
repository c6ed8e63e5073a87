import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { linkSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { moveWithoutReplacing } from "../../src/storage/move-without-replacing.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "image-sharing-move-"));
  await Bun.write(join(folder, "from"), "new");
});
afterEach(() => rm(folder, { recursive: true }));

const without = (code: string) => () => {
  throw Object.assign(new Error(code), { code });
};

describe.each([
  ["with hard links", linkSync],
  ["without hard links (EPERM)", without("EPERM")],
  ["without hard links (EOPNOTSUPP)", without("EOPNOTSUPP")],
  ["without hard links (ENOSYS)", without("ENOSYS")],
] as const)("move without replacing: %s", (_, link) => {
  const move = (to: string) => moveWithoutReplacing(join(folder, "from"), join(folder, to), link);

  test("moveWithoutReplacing: moves a file to a free name", async () => {
    move("to");
    expect(await readdir(folder)).toEqual(["to"]);
    expect(await Bun.file(join(folder, "to")).text()).toBe("new");
  });

  test("moveWithoutReplacing: leaves both files unchanged when the name is taken", async () => {
    await Bun.write(join(folder, "to"), "old");
    expect(() => move("to")).toThrow(expect.objectContaining({ code: "EEXIST" }));
    expect(await Bun.file(join(folder, "to")).text()).toBe("old");
    expect(await Bun.file(join(folder, "from")).text()).toBe("new");
  });

  test("moveWithoutReplacing: leaves nothing under the new name after a failure", async () => {
    await rm(join(folder, "from"));
    expect(() => move("to")).toThrow(expect.objectContaining({ code: "ENOENT" }));
    expect(await readdir(folder)).toEqual([]);
  });
});
