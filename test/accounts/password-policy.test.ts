import { expect, test } from "bun:test";

import { passwordProblem } from "../../src/accounts/password-policy.ts";

const rules = { minLength: 8, email: "Ann@example.com" };

test("password policy: requires the configured number of characters", () => {
  expect(passwordProblem("1234567", rules)).toBe("Password should be at least 8 characters");
  expect(passwordProblem("😀😀😀😀", rules)).toBe("Password should be at least 8 characters");
  expect(passwordProblem("pqzt7xk3", rules)).toBeUndefined();
  expect(passwordProblem("😀".repeat(8), rules)).toBeUndefined();
  expect(passwordProblem("", { ...rules, minLength: 0 })).toBeString();
});

test("password policy: accepts at most 1,024 bytes", () => {
  expect(passwordProblem("é".repeat(512), rules)).toBeUndefined();
  expect(passwordProblem("é".repeat(512) + "x", rules)).toBe("Password should be at most 1,024 bytes");
});

test("password policy: rejects the account's address in any case", () => {
  expect(passwordProblem("ann@EXAMPLE.com", rules)).toBe("Password should not be the e-mail address");
  expect(passwordProblem("ann@example.com!", rules)).toBeUndefined();
});

test("password policy: rejects the most common passwords in any case, with a reason", () => {
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

test("password policy: rejects short common passwords where short passwords are allowed", () => {
  const short = { ...rules, minLength: 4 };
  for (const password of ["1234", "dragon", "monkey", "abc123"])
    expect([password, passwordProblem(password, short)]).toEqual([
      password,
      expect.stringContaining("too common"),
    ]);
  expect(passwordProblem("p7k2", short)).toBeUndefined();
});

test("password policy: accepts a password that only contains a common one", () => {
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
