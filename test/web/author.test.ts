import { expect, test } from "bun:test";

import { authorOf } from "../../src/web/page/author.ts";

test.each([
  ["Ada", "ada@example.com", "Ada"],
  ["Ada", "Unknown", "Ada"],
  [null, "ada@example.com", "ada@example.com"],
  [null, "Unknown", "Someone"],
])("page: the author with the name %p and the address %p is shown as %p", (name, email, shown) => {
  expect(authorOf({ author: { id: "1", name }, email })).toBe(shown);
});
