import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { diskError } from "../../src/disk-errors.ts";
import { DiskStore } from "../../src/storage/disk-store.ts";
import { newKey, sha256, staged, storeContract } from "./store-contract.ts";

const forever = new AbortController().signal;

storeContract("disk", async (folder) => {
  const root = join(folder, "media");
  return {
    store: new DiskStore(root),
    async content() {
      const content: Record<string, string> = {};
      for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile()) continue;
        content[basename(entry.name)] = sha256(await Bun.file(join(entry.parentPath, entry.name)).bytes());
      }
      return content;
    },
    close: async () => {},
  };
});

describe("disk store", () => {
  let folder: string;
  beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "disk-store-"))));
  afterAll(() => rm(folder, { recursive: true }));

  test("disk store: put moves the temp file", async () => {
    const store = new DiskStore(join(folder, "moved"));
    const file = await staged(folder, "bytes");
    const key = newKey();
    await store.put(key, file, forever);
    expect(await Bun.file(file.file.name ?? "").exists()).toBe(false);
    expect(await Bun.file(store.resolve(key)).text()).toBe("bytes");
  });

  test("disk store: spreads consecutive keys over folders", () => {
    const store = new DiskStore(join(folder, "spread"));
    const folders = new Set(Array.from({ length: 2000 }, () => store.resolve(newKey()).split("/").at(-2)));
    expect(folders.size).toBeGreaterThan(200);
  });

  test("disk store: put fails without a trace when the temp file is missing", async () => {
    const store = new DiskStore(join(folder, "gone"));
    const file = await staged(folder, "bytes");
    await file.file.delete();
    const key = newKey();
    await expect(store.put(key, file, forever)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    expect(await store.find(key, forever)).toBeNull();
  });

  test("disk store: put into an unwritable folder fails with 503 and keeps the temp file", async () => {
    const root = join(folder, "blocked");
    const store = new DiskStore(root);
    const key = newKey();
    // A file in place of the subfolder makes root fail too, unlike permissions.
    await writeFile(join(root, store.resolve(key).split("/").at(-2) ?? ""), "in the way");
    const file = await staged(folder, "bytes");
    await expect(store.put(key, file, forever)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    expect(await file.file.text()).toBe("bytes");
  });

  test("disk store: does not recreate a media folder that has disappeared", async () => {
    const root = join(folder, "unmounted");
    const store = new DiskStore(root);
    await rm(root, { recursive: true });
    await expect(store.put(newKey(), await staged(folder, "bytes"), forever)).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
    });
    await mkdir(root);
    await store.put(newKey(), await staged(folder, "bytes"), forever);
  });

  test.each([
    ["ENOSPC", "STORAGE_FULL"],
    ["EDQUOT", "STORAGE_FULL"],
    ["EROFS", "STORE_UNAVAILABLE"],
    ["EACCES", "STORE_UNAVAILABLE"],
    ["EIO", "STORE_UNAVAILABLE"],
  ] as const)("%s becomes %s, with the path for the log only", (code, expected) => {
    const error = diskError(Object.assign(new Error("/secret/path"), { code }));
    expect(error.code).toBe(expected);
    expect(error.message).not.toContain("secret");
    expect(String((error.cause as Error).message)).toContain("secret");
  });
});
