import { afterAll, beforeAll, expect, spyOn, test } from "bun:test";
import { mkdtemp, open, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { WriteBehindFile } from "../../src/uploads/write-behind-file.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { until } from "../support/until.ts";

const megabyte = 1024 ** 2;
let folder = "";
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "image-sharing-write-"))));
afterAll(() => rm(folder, { recursive: true, force: true }));

const fresh = () => new WriteBehindFile(join(folder, crypto.randomUUID()));
const contentOf = (file: WriteBehindFile) => Bun.file(file.path).bytes();
const isSame = (left: Uint8Array, right: Uint8Array) => Buffer.compare(left, right) === 0;

test.each([1000, 70_000, 512 * 1024, 5 * megabyte])(
  "write-behind file: writes chunks of %d bytes unchanged",
  async (size) => {
    const bytes = seededRandom(size).bytes(60_000);
    const whole = Buffer.concat(Array.from({ length: 220 }, () => bytes));
    const file = fresh();
    for (let start = 0; start < whole.length; start += size) {
      const chunk = Uint8Array.from(whole.subarray(start, start + size));
      file.append(chunk);
      chunk.fill(0);
      await file.keepUp();
    }
    await file.end();
    expect(isSame(await contentOf(file), whole)).toBeTrue();
  },
);

test("write-behind file: writes everything even if keepUp is never called", async () => {
  const file = fresh();
  for (let value = 0; value < 20; value++) file.append(new Uint8Array(megabyte).fill(value));
  await file.end();
  const bytes = await contentOf(file);
  expect(bytes.length).toBe(20 * megabyte);
  for (let value = 0; value < 20; value++) expect(bytes[value * megabyte + 5]).toBe(value);
});

test("write-behind file: discard during writes leaves no file", async () => {
  const file = fresh();
  file.append(new Uint8Array(40 * megabyte));
  await file.discard();
  const nothing = fresh();
  await nothing.discard();
  expect(await readdir(folder)).not.toContain(file.path);
  expect(await Bun.file(file.path).exists()).toBeFalse();
});

test("write-behind file: reports a write error from keepUp and from end", async () => {
  const nowhere = () => new WriteBehindFile(join(folder, "missing", crypto.randomUUID()));
  const large = nowhere();
  large.append(new Uint8Array(10 * megabyte));
  await expect(large.keepUp()).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  await large.discard();
  const small = nowhere();
  small.append(new Uint8Array(10));
  await expect(small.end()).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  await small.discard();
});

test("write-behind file: reports a failed flush although the system reports it only once", async () => {
  const some = await open(join(folder, "some"), "w");
  const datasync = spyOn(Object.getPrototypeOf(some) as typeof some, "datasync");
  datasync.mockRejectedValueOnce(Object.assign(new Error("disk quota"), { code: "EDQUOT" }));
  try {
    const file = fresh();
    const goOn = async () => {
      for (let taken = 0; taken < 40; taken++) {
        file.append(new Uint8Array(megabyte));
        await file.keepUp();
      }
    };
    await expect(goOn()).rejects.toMatchObject({ code: "STORAGE_FULL" });
    await expect(file.end()).rejects.toMatchObject({ code: "STORAGE_FULL" });
    await file.discard();
    expect(await Bun.file(file.path).exists()).toBeFalse();
  } finally {
    datasync.mockRestore();
    await some.close();
  }
});

test("write-behind file: idle files hold hardly any memory after any number of bytes", async () => {
  const files = Array.from({ length: 60 }, fresh);
  const resident = () => {
    Bun.gc(true);
    return process.memoryUsage.rss();
  };
  const bytes = new Uint8Array(6.1 * megabyte).fill(1);
  const before = resident();
  for (const file of files) {
    file.append(bytes);
    await file.keepUp();
  }
  await until(() => (resident() - before) / files.length < 1.5 * megabyte);
  await Promise.all(files.map((file) => file.discard()));
});

test("write-behind file: goes on at an offset, over bytes that may be there, and tells what is on disk", async () => {
  const { path } = fresh();
  await Bun.write(path, "0123456789");
  const file = new WriteBehindFile(path, 4);
  file.append(Buffer.from("abc"));
  expect(file.durableBytes).toBe(0);
  await file.flush();
  expect([file.durableBytes, await Bun.file(path).text()]).toEqual([3, "0123abc789"]);
  file.append(Buffer.from("d"));
  await file.flush();
  await file.close();
  expect([file.durableBytes, await Bun.file(path).text()]).toEqual([4, "0123abcd89"]);
});
