import { expect, test } from "bun:test";

import { hasMediaExtension, hasVideoExtension, ignoredFolder } from "../../src/folder-import/file-names.ts";
import { byTakenTime } from "../../src/folder-import/found-file.ts";

test.each([
  ["originals", "Family.photoslibrary", undefined],
  ["Masters", "Family.PhotosLibrary", undefined],
  ["resources", "Family.photoslibrary", "hidden"],
  ["resources", "2020", undefined],
  ["@eaDir", "2020", "hidden"],
  [".thumbnails", "2020", "hidden"],
  ["Recently Deleted", "iCloud Photos", "deleted"],
] as const)("file names: the folder %s in %s is ignored as %p", (name, parent, kind) => {
  expect(ignoredFolder(name, parent)).toBe(kind);
});

test("file names: knows photos and videos by their extension in any case, accepted or not", () => {
  const names = ["a.JPG", "a.heif", "a.mov", "a.MKV", "a.M2TS", "a.cr2", "a.wmv", "a.txt", "jpg"];
  expect(names.filter(hasMediaExtension)).toEqual(names.slice(0, 7));
  expect(names.filter(hasVideoExtension)).toEqual(["a.mov", "a.MKV", "a.M2TS"]);
});

test("file names: files of one second are ordered by caption, then by path", () => {
  const file = (path: string, takenAt: number, caption = "") => ({ path, bytes: 1, takenAt, caption });
  const files = [file("c", 2), file("b", 1), file("a", 1), file("d", 1, "At the lake")];
  expect(files.sort(byTakenTime).map(({ path }) => path)).toEqual(["d", "a", "b", "c"]);
});
