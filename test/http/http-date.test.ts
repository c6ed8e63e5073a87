import { expect, test } from "bun:test";

import { parseHttpDate } from "../../src/http/http-date.ts";

// RFC 9110, 5.6.7.
test.each(["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"])(
  "http-date: parses %p",
  (text) => {
    expect(parseHttpDate(text)).toBe(Date.UTC(1994, 10, 6, 8, 49, 37));
  },
);

test("http-date: a two-digit year is at most fifty years in the future", () => {
  const year = new Date().getUTCFullYear();
  const read = (full: number) => {
    const digits = String(full % 100).padStart(2, "0");
    return new Date(parseHttpDate(`Sunday, 06-Nov-${digits} 08:49:37 GMT`)!).getUTCFullYear();
  };
  for (const full of [year - 49, year, year + 50]) expect(read(full)).toBe(full);
  expect(read(year + 51)).toBe(year - 49);
});

test.each([
  "",
  "0",
  "Sun, 6 Nov 1994 08:49:37 GMT",
  "Sun, 06 Nov 1994 08:49:37",
  "Sun, 06 Nov 1994 08:49:37 UTC",
  "Sun, 06 nov 1994 08:49:37 GMT",
  "Sun, 31 Feb 1994 08:49:37 GMT",
  "Sun, 00 Nov 1994 08:49:37 GMT",
  "1994-11-06T08:49:37Z",
  "Sun, 06 Nov 1994 08:49:37 GMT; length=1",
])("http-date: rejects %p", (text) => {
  expect(parseHttpDate(text)).toBeUndefined();
});

test("http-date: parses the output of toUTCString", () => {
  for (const at of [0, 951_782_400_000, 1_795_425_715_000, 4_102_444_799_000])
    expect(parseHttpDate(new Date(at).toUTCString())).toBe(at);
});
