import { expect, test } from "bun:test";

import { fileTooLargeDetail } from "../src/limits.ts";
import { readableSize, withReadableSize } from "../src/readable-size.ts";

test.each([
  [0, "0 bytes"],
  [1023, "1023 bytes"],
  [1024, "1 kB"],
  [1024 ** 2 - 1, "1023.9 kB"],
  [25 * 1024 ** 2, "25 MB"],
  [1.5 * 1024 ** 3, "1.5 GB"],
  [5000 * 1024 ** 4, "5000 TB"],
])("readable size: %d bytes are %p", (bytes, text) => {
  expect(readableSize(bytes)).toBe(text);
});

test("readable size: an error names its limit in the unit of the setting", () => {
  expect(withReadableSize(fileTooLargeDetail(25 * 1024 ** 2))).toBe(
    "File too large: at most 25 MB are accepted",
  );
});
