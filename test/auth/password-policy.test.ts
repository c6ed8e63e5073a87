import { expect, test } from "bun:test";

import { isWellFormedText, passwordProblem } from "../../src/auth/password-policy.ts";

const rules = { minLength: 8, email: "Ann@example.com" };

test("a password has at least as many characters as the setting says", () => {
  expect(passwordProblem("1234567", rules)).toBe("Password should be at least 8 characters");
  expect(passwordProblem("😀😀😀😀", rules)).toBe("Password should be at least 8 characters");
  expect(passwordProblem("pqzt7xk3", rules)).toBeUndefined();
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

test("password policy: refuses the most common passwords in any case, with a reason", () => {
  for (const password of [
    "password",
    "12345678",
    "PassWord1",
    "QWERTY123",
    "iloveyou",
    "football",
    "sunshine",
    "trustno1",
    "1q2w3e4r",
    "00000000",
    "87654321",
    "123123123",
    "1234567890",
    "qwertyuiop",
  ])
    expect([password, passwordProblem(password, rules)]).toEqual([
      password,
      "Password is too common: it is one of those that are guessed first",
    ]);
});

test("password policy: knows the short common passwords too, for where short ones are allowed", () => {
  const short = { ...rules, minLength: 4 };
  for (const password of ["1234", "dragon", "monkey", "abc123"])
    expect([password, passwordProblem(password, short)]).toEqual([
      password,
      expect.stringContaining("too common"),
    ]);
  expect(passwordProblem("p7k2", short)).toBeUndefined();
});

test("password policy: a password that only holds a common one is taken", () => {
  for (const password of [
    "correct horse battery",
    "correct horse battery staple",
    "a long password",
    "my password 12345678",
    "12345678\npassword",
    "\npassword\n",
    "aaaaaaaaaaa",
  ])
    expect([password, passwordProblem(password, rules)]).toEqual([password, undefined]);
});

test("a lone surrogate or NUL makes a text unfit", () => {
  expect(isWellFormedText("p\ud800")).toBe(false);
  expect(isWellFormedText("p\udc00\ud800")).toBe(false);
  expect(isWellFormedText("p\0")).toBe(false);
  expect(isWellFormedText("pässword 😀\n")).toBe(true);
});
