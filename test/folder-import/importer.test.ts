import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdir, readdir, realpath, writeFile } from "node:fs/promises";
import { join } from "node:path";

import type { User } from "../../src/database/users.ts";
import { ApiError, type ApiErrorCode } from "../../src/errors.ts";
import type { FoundFile } from "../../src/folder-import/found-file.ts";
import { createImporter, type FileWork } from "../../src/folder-import/import-file.ts";
import { importFiles } from "../../src/folder-import/import-files.ts";
import { SourceFolder } from "../../src/folder-import/source-folder.ts";
import type { MediaStore } from "../../src/storage/media-store.ts";
import { pngPhoto } from "../support/media-samples.ts";
import { TestService } from "../support/service.ts";

const concurrency = 3;

let service: TestService;
let ada: User;
let source: SourceFolder;
let interruption: AbortController;
beforeEach(async () => {
  service = await TestService.start();
  ada = (await service.services.database.users.byId((await service.signUp()).id))!;
  const folder = join(service.dataDir, "source");
  await mkdir(folder);
  source = new SourceFolder(await realpath(folder), (work) => work());
  interruption = new AbortController();
});
afterEach(() => service.close());

/** Puts files into the source, in this order. Values are the widths of photos. */
const files = (widths: Record<string, number>, captions: Record<string, string> = {}) =>
  Promise.all(
    Object.entries(widths).map(async ([path, width], takenAt): Promise<FoundFile> => {
      const photo = await pngPhoto(width, 8);
      await writeFile(join(source.root, path), photo);
      return { path, bytes: photo.length, takenAt, caption: captions[path] ?? "" };
    }),
  );

/** An importer whose media store does something before it stores a file, of which it gets the name. */
function importerWith(before: (name: string) => unknown): FileWork {
  const { services } = service;
  const put: MediaStore["put"] = async (key, file, signal) => {
    if (file.contentType !== "image/webp") await before(file.displayName);
    return services.store.put(key, file, signal);
  };
  const actor = { userId: ada.id, credential: "operator" } as const;
  const withStore = { ...services, store: { ...services.store, put } };
  return createImporter(withStore, { viewer: ada, actor }, interruption.signal, [0, 0]);
}

async function run(found: readonly FoundFile[], work: FileWork) {
  const outcomes: Record<string, string> = {};
  const stopped = await importFiles(
    source,
    found,
    work,
    {
      done: ({ path }, { kind }) => (outcomes[path] = kind),
      ignored: (_, path) => (outcomes[path] = "ignored"),
      refused: (path, why) => (outcomes[path] = why),
    },
    { concurrency, signal: interruption.signal },
  );
  return { stopped, outcomes };
}

/** The posts in the feed, oldest first. */
const feed = async () => (await service.services.database.posts.page(100)).toReversed();
const feedNames = async () => (await feed()).map(({ fileName }) => fileName);

test("importer: a file that is stored late still appears before those after it", async () => {
  const others = Promise.withResolvers<void>();
  const stored: string[] = [];
  const work = importerWith(async (name) => {
    if (name === "a.png") await others.promise;
    stored.push(name);
    if (stored.length === concurrency - 1) others.resolve();
  });
  await run(await files({ "a.png": 10, "b.png": 11, "c.png": 12 }), work);
  expect(stored.at(-1)).toBe("a.png");
  expect(await feedNames()).toEqual(["a.png", "b.png", "c.png"]);
});

test("importer: of identical files at the same time, the first one becomes the post", async () => {
  const found = await files(
    { "a.png": 10, "b.png": 10, "c.png": 10, "d.png": 10 },
    { "a.png": "first", "b.png": "second" },
  );
  const { outcomes } = await run(
    found,
    importerWith(() => {}),
  );
  const there = "already there";
  expect(outcomes).toEqual({ "a.png": "imported", "b.png": there, "c.png": there, "d.png": there });
  expect(await feed()).toMatchObject([{ fileName: "a.png", caption: "first" }]);
});

test("importer: a temporary failure of the store is retried with the file as it is in the folder", async () => {
  let failures = 0;
  const work = importerWith(() => {
    if (failures++ < 2) throw new ApiError("STORE_UNAVAILABLE");
  });
  expect(await run(await files({ "a.png": 10 }), work)).toEqual({
    stopped: undefined,
    outcomes: { "a.png": "imported" },
  });
  expect(await feedNames()).toEqual(["a.png"]);
  expect(await service.services.database.posts.countUnfinished()).toEqual({ pending: 0, deleting: 0 });
  expect(await readdir(service.services.tempDir)).toEqual([]);
});

test.each([
  ["STORE_UNAVAILABLE", "The media store cannot be reached, try again shortly."],
  ["STORAGE_FULL", "There is no space left (MIN_FREE_SPACE stays free)."],
] as [ApiErrorCode, string][])(
  "importer: ends early when every file would fail with %s",
  async (code, why) => {
    const work = importerWith(() => {
      throw new ApiError(code);
    });
    const { stopped, outcomes } = await run(
      await files({ "a.png": 10, "b.png": 11, "c.png": 12, "d.png": 13 }),
      work,
    );
    expect(stopped).toBe(why);
    expect(outcomes).toEqual({});
    expect(await feedNames()).toEqual([]);
  },
);

test("importer: a file that the store does not accept is refused, and ten of them in a row end the import", async () => {
  const widths = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`${i + 10}.png`, 10 + i]));
  let refused = 0;
  const work = importerWith((name) => {
    if (name !== "12.png") throw (refused++, new ApiError("STORE_FAILED"));
  });
  const { stopped, outcomes } = await run(await files(widths), work);
  expect(stopped).toBe("The media store did not accept the file.");
  expect(outcomes["12.png"]).toBe("imported");
  // At most nine before the one that was accepted, ten after it, and those that were at work then.
  expect(refused).toBeLessThan(30);
});

test("importer: files that are already there do not hide that the store accepts no other", async () => {
  await run(
    await files({ "known.png": 8 }),
    importerWith(() => {}),
  );
  // Every second file is the known one again.
  const widths = Array.from({ length: 40 }, (_, i) => [`${i + 10}.png`, i % 2 === 0 ? 8 : 10 + i]);
  const work = importerWith(() => {
    throw new ApiError("STORE_FAILED");
  });
  const { stopped } = await run(await files(Object.fromEntries(widths)), work);
  expect(stopped).toBe("The media store did not accept the file.");
});

test("importer: ends early once the account is deactivated", async () => {
  const { users } = service.services.database;
  const work = importerWith(() => users.change("operator", ada, { isActive: false }));
  const { stopped } = await run(await files({ "a.png": 10, "b.png": 11 }), work);
  expect(stopped).toBe("The account was deactivated or deleted meanwhile.");
  expect(await service.mediaFiles()).toEqual([]);
});

test("importer: an interruption abandons the files at work and leaves nothing of them", async () => {
  const work = importerWith((name) => {
    if (name === "b.png") interruption.abort("SIGINT");
  });
  const { stopped } = await run(await files({ "a.png": 10, "b.png": 11, "c.png": 12, "d.png": 13 }), work);
  expect(stopped).toBeUndefined();
  const names = await feedNames();
  expect([[], ["a.png"]]).toContainEqual(names);
  expect((await service.mediaFiles()).filter((name) => name.endsWith(".png"))).toHaveLength(names.length);
  expect(await readdir(service.services.tempDir)).toEqual([]);
});

test("importer: makes a post of a file whose import was killed, and the sweeper deletes what was left", async () => {
  const { database, sweeper } = service.services;
  const never = Promise.withResolvers<void>();
  const storing = Promise.withResolvers<void>();
  const found = await files({ "a.png": 10 });
  const killed = run(
    found,
    importerWith(async () => {
      storing.resolve();
      await never.promise;
    }),
  );
  await storing.promise;
  const again = await run(
    found,
    importerWith(() => {}),
  );
  expect(again.outcomes).toEqual({ "a.png": "imported" });
  expect(await database.posts.countUnfinished()).toEqual({ pending: 0, deleting: 1 });
  // The files of the killed one may reach the store until then.
  await sweeper.sweep(0);
  expect(await database.posts.countUnfinished()).toEqual({ pending: 0, deleting: 1 });
  never.reject(new ApiError("DAMAGED_MEDIA"));
  await killed;
  expect(await database.posts.countUnfinished()).toEqual({ pending: 0, deleting: 0 });
  expect(await feedNames()).toEqual(["a.png"]);
});
