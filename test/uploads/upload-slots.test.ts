import { expect, test } from "bun:test";

import { createUploadSlots } from "../../src/uploads/upload-slots.ts";

test("upload slots: an account has as many as it may, and one that is given back twice counts once", () => {
  const slots = createUploadSlots(2);
  const [first] = [slots.take("ada"), slots.take("ada")];
  expect(() => slots.take("ada")).toThrow("TOO_MANY_UPLOADS");
  slots.take("bob");
  first();
  first();
  slots.take("ada");
  expect(() => slots.take("ada")).toThrow("TOO_MANY_UPLOADS");
});

test("upload slots: beyond fifty at once an account has one, beyond a hundred there is none", () => {
  const slots = createUploadSlots(4);
  const held = [...Array(50).keys()].map((i) => slots.take(`account ${i % 20}`));
  expect(() => slots.take("account 0")).toThrow("OVERLOADED");
  for (let i = 0; i < 50; i++) held.push(slots.take(`newcomer ${i}`));
  expect(() => slots.take("one more")).toThrow("OVERLOADED");
  for (const release of held) release();
  for (let i = 0; i < 4; i++) slots.take("account 0");
});
