import { expect, test } from "bun:test";

import { addressKey, parseEmailAddress, validEmailAddress } from "../../src/accounts/email-address.ts";
import { ValidationProblems } from "../../src/errors.ts";

test.each([
  ["  Ann@Example.COM\n", "Ann@example.com"],
  ["a+b!#$%&'*/=?^_`{|}~-@b.com", "a+b!#$%&'*/=?^_`{|}~-@b.com"],
  ["a@b.c", "a@b.c"],
  ["a@xn--mnchen-3ya.de", "a@münchen.de"],
  ["a@MÜNCHEN.de", "a@münchen.de"],
  ["a@mu\u0308nchen.de", "a@münchen.de"],
  ["a@faß.de", "a@faß.de"],
  ["a@b。com", "a@b.com"],
  ["e\u0301@b.com", "é@b.com"],
  ["😀@b.com", "😀@b.com"],
  ["a@foo.example", "a@foo.example"],
  [`${"é".repeat(40)}@b.com`, `${"é".repeat(40)}@b.com`],
  [`${"a".repeat(64)}@b.com`, `${"a".repeat(64)}@b.com`],
])("email address: trims %p and converts its domain to lower case", (text, address) => {
  expect(parseEmailAddress(text)).toMatchObject({ address });
});

test.each([
  ["", "An email address must have an @-sign."],
  ["ann", "An email address must have an @-sign."],
  ["@b.com", "There must be something before the @-sign."],
  ["a@", "There must be something after the @-sign."],
  ...[
    [
      "a@b@c.com",
      "a..b@b.com",
      ".a@b.com",
      "a.@b.com",
      "a b@b.com",
      '"a b"@b.com',
      "Ann <a@b.com>",
      "(x)a@b.com",
    ],
    [
      "a\0@b.com",
      "a\nb@b.com",
      "a\u200d@b.com",
      "a\u00a0b@b.com",
      "\u0301a@b.com",
      "a\ud800@b.com",
      "a＠b.com@c.com",
    ],
    ["a…b@b.com", "a,b@b.com", "a\u202eb@b.com"],
  ]
    .flat()
    .map((text) => [text, "The email address contains invalid characters before the @-sign."] as const),
  ...[
    ["a@b_c.com", "a@-b.com", "a@b-.com", "a@ab--cd.com", "a@b..com", "a@b.com.", "a@.b.com", "a@[1.2.3.4]"],
    [
      "a@b.com\0",
      "a@b\n.com",
      "a@b.com/x",
      "a@b.com:25",
      "a@b%41.com",
      "a@\u0301b.com",
      "a@xn--a.com",
      "a@😀.com",
    ],
    ["a@b.com>", "a@b\ud800.com", "a@א1b.com", `a@${"b".repeat(64)}.com`],
  ]
    .flat()
    .map((text) => [text, "The part after the @-sign contains invalid characters."] as const),
  ["a@localhost", "The part after the @-sign is not valid. It should have a period."],
  [
    "a@b.local",
    "The part after the @-sign is a special-use or reserved name that cannot be used with email.",
  ],
  ["a@b.TEST", "The part after the @-sign is a special-use or reserved name that cannot be used with email."],
  ["a@1.2.3.4", "The part after the @-sign is not valid. It is not within a valid top-level domain."],
  ["a@0x7f.1", "The part after the @-sign is not valid. It is not within a valid top-level domain."],
  ["a@b.123", "The part after the @-sign contains invalid characters."],
  [`${"a".repeat(65)}@b.com`, "The email address is too long before the @-sign."],
  [`a@${"b.".repeat(130)}com`, "The email address is too long."],
  [`${"é".repeat(64)}@${"b.".repeat(62)}com`, "The email address is too long."],
] as const)("email address: rejects %p with the problem in pydantic's words", (text, why) => {
  const parsed = parseEmailAddress(text);
  expect(parsed).not.toHaveProperty("address");
  const { problem } = parsed as { problem: string };
  expect(problem).toBe(`value is not a valid email address: ${why}`);
});

test("email address: gives spellings of the same address the same unique key, and different addresses different keys", () => {
  for (const [one, other] of [
    ["Ann@b.com", "aNN@B.com"],
    ["ÉMILE@b.com", "e\u0301mile@b.com"],
    ["ΟΔΟΣ@b.com", "οδοσ@b.com"],
    ["STRASSE@b.com", "straße@b.com"],
    ["ａｎｎ@b.com", "ann@b.com"],
    ["a@bücher.de", "a@xn--bcher-kva.de"],
    [" not an Address ", "NOT AN aDDRESS"],
  ] as const)
    expect(addressKey(one)).toBe(addressKey(other));
  for (const [one, other] of [
    ["a.nn@b.com", "ann@b.com"],
    ["a@faß.de", "a@fass.de"],
    ["ann+x@b.com", "ann@b.com"],
  ] as const)
    expect(addressKey(one)).not.toBe(addressKey(other));
});

test("email address: rejects texts of a megabyte", () => {
  for (const text of [
    "a".repeat(1e6),
    "@".repeat(1e6),
    "a.".repeat(5e5) + "@b.com",
    "a@" + "b-".repeat(5e5),
    " ".repeat(1e6),
  ])
    expect(parseEmailAddress(text)).toHaveProperty("problem");
});

test("email address: reports an invalid address in a body as a value_error that does not repeat it", () => {
  expect(validEmailAddress("a@b.com")).toEqual({ address: "a@b.com", uniqueKey: "a@b.com" });
  try {
    validEmailAddress("secret text");
    expect.unreachable();
  } catch (error) {
    const [problem] = (error as ValidationProblems).problems;
    expect(problem).toMatchObject({ type: "value_error", loc: ["body", "email"] });
    expect(problem?.msg).not.toContain("secret");
  }
});
