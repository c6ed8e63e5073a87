import { expect, test } from "bun:test";

import { isWellFormedText } from "../../src/http/well-formed-text.ts";

test("well-formed text: has no lone surrogate and no NUL", () => {
  expect(isWellFormedText("p\ud800")).toBe(false);
  expect(isWellFormedText("p\udc00\ud800")).toBe(false);
  expect(isWellFormedText("p\0")).toBe(false);
  expect(isWellFormedText("pässword 😀\n")).toBe(true);
});
