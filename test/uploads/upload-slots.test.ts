import { expect, test } from "bun:test";

import { createUploadSlots } from "../../src/uploads/upload-slots.ts";

test("upload slots: limits the slots of an account, and ignores a second release", () => {
  const slots = createUploadSlots(2);
  const [first] = [slots.take("ada"), slots.take("ada")];
  expect(() => slots.take("ada")).toThrow("TOO_MANY_UPLOADS");
  slots.take("bob");
  first();
  first();
  slots.take("ada");
  expect(() => slots.take("ada")).toThrow("TOO_MANY_UPLOADS");
});

test("upload slots: gives each account at most one beyond fifty in total, and none beyond a hundred", () => {
  const slots = createUploadSlots(4);
  const held = [...Array(50).keys()].map((i) => slots.take(`account ${i % 20}`));
  expect(() => slots.take("account 0")).toThrow("OVERLOADED");
  for (let i = 0; i < 50; i++) held.push(slots.take(`newcomer ${i}`));
  expect(() => slots.take("one more")).toThrow("OVERLOADED");
  for (const release of held) release();
  for (let i = 0; i < 4; i++) slots.take("account 0");
});
