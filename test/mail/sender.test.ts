import { expect, test } from "bun:test";

import { defaultSender, domainOf, parseSender } from "../../src/config/mail-sender.ts";

test.each([
  ["photos@example.com", "", "photos@example.com"],
  [" <photos@example.com> ", "", "photos@example.com"],
  ["Photos <photos@example.com>", "Photos", "photos@example.com"],
  [
    "Ann & Bob's photos, since 2020 <a.b+c@mail.example.com>",
    "Ann & Bob's photos, since 2020",
    "a.b+c@mail.example.com",
  ],
  [`"Photos, \\"ours\\"" <p@example.com>`, `Photos, "ours"`, "p@example.com"],
  ["Bücher <ann@bücher.example>", "Bücher", "ann@bücher.example"],
  ["noreply@localhost", "", "noreply@localhost"],
  ["noreply@[192.0.2.1]", "", "noreply@[192.0.2.1]"],
])("sender: parses %p", (text, name, address) => {
  expect(parseSender(text)).toEqual({ name, address });
});

test.each([
  "Photos",
  "Photos <photos>",
  "photos@",
  "@example.com",
  "a@example.com, b@example.com",
  "a@example.com b@example.com",
  "A <a@example.com> b",
  "A <a@example.com>, B <b@example.com>",
  "A <a@b@example.com>",
  "a@example.com\r\nBcc: b@example.com",
  "A\nBcc: b@example.com <a@example.com>",
  "<>",
])("sender: rejects %p", (text) => {
  expect(parseSender(text)).toBeUndefined();
});

test("sender: defaults to noreply at the host of PUBLIC_URL", () => {
  for (const [publicUrl, address] of [
    ["https://photos.example.com:8443/app", "noreply@photos.example.com"],
    ["http://192.0.2.1:8000", "noreply@[192.0.2.1]"],
    ["http://[2001:db8::1]", "noreply@[IPv6:2001:db8::1]"],
    [undefined, "noreply@localhost"],
  ] as const)
    expect(defaultSender(publicUrl, "Our photos")).toEqual({ name: "Our photos", address });
});

test("sender: the domain for mail servers is in ASCII", () => {
  expect(domainOf({ name: "", address: "ann@bücher.example" })).toBe("xn--bcher-kva.example");
  expect(domainOf({ name: "", address: "ann@[192.0.2.1]" })).toBe("[192.0.2.1]");
});
