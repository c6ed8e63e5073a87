import { expect, test } from "bun:test";

import { extensionOf } from "../src/file-extension.ts";

test.each([
  ["IMG_1.JPG", "jpg"],
  ["a.b.tar", "tar"],
  [".json", "json"],
  ["jpg", ""],
  ["photo.", ""],
  // U+212A, the Kelvin sign.
  ["film.m\u212av", "m\u212av"],
])("file extension: that of %p is %p", (name, extension) => {
  expect(extensionOf(name)).toBe(extension);
});
