import { expect, test } from "bun:test";

import { isWellFormedText, passwordProblem } from "../../src/auth/password-policy.ts";

const rules = { minLength: 8, email: "Ann@example.com" };

test("a password has at least as many characters as the setting says", () => {
  expect(passwordProblem("1234567", rules)).toBe("Password should be at least 8 characters");
  expect(passwordProblem("😀😀😀😀", rules)).toBe("Password should be at least 8 characters");
  expect(passwordProblem("12345678", rules)).toBeUndefined();
  expect(passwordProblem("😀".repeat(8), rules)).toBeUndefined();
  expect(passwordProblem("", { ...rules, minLength: 0 })).toBeString();
});

test("a password has at most 1,024 bytes", () => {
  expect(passwordProblem("é".repeat(512), rules)).toBeUndefined();
  expect(passwordProblem("é".repeat(512) + "x", rules)).toBe("Password should be at most 1,024 bytes");
});

test("a password is not the account's address in any case", () => {
  expect(passwordProblem("ann@EXAMPLE.com", rules)).toBe("Password should not be the e-mail address");
  expect(passwordProblem("ann@example.com!", rules)).toBeUndefined();
});

test("a lone surrogate or NUL makes a text unfit", () => {
  expect(isWellFormedText("p\ud800")).toBe(false);
  expect(isWellFormedText("p\udc00\ud800")).toBe(false);
  expect(isWellFormedText("p\0")).toBe(false);
  expect(isWellFormedText("pässword 😀\n")).toBe(true);
});
