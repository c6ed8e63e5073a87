import { expect, test } from "bun:test";

import { passwordProblem } from "../../src/accounts/password-policy.ts";
import { Failure } from "../../src/web/page/failures.ts";
import { fileSize } from "../../src/web/page/sizes.ts";
import type { Catalogue, PluralForms, TextKey } from "../../src/web/page/texts/catalogue.ts";
import { de } from "../../src/web/page/texts/de.ts";
import { en } from "../../src/web/page/texts/en.ts";
import { chooseLanguage, textsIn } from "../../src/web/page/texts/text.ts";

const keys = Object.keys(en) as TextKey[];
const formsOf = (entry: string | PluralForms) => (typeof entry === "string" ? [entry] : Object.values(entry));
const placeholders = (form: string) => [...form.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

test("texts: English and German have the same keys", () => {
  expect(Object.keys(de)).toEqual(Object.keys(en));
});

test("texts: English and German have the same placeholders and are not empty", () => {
  for (const key of keys) {
    const expected = placeholders(formsOf((en as Catalogue)[key])[0]!);
    for (const form of [en as Catalogue, de].flatMap((catalogue) => formsOf(catalogue[key]))) {
      expect([key, placeholders(form)]).toEqual([key, expected]);
      expect(form.trim()).toBe(form);
      expect(form).not.toBe("");
    }
  }
});

test("texts: those with plurals have every form that the language needs for whole numbers", () => {
  for (const [tag, catalogue] of Object.entries({ en: en as Catalogue, de }))
    for (const key of keys) {
      const entry = catalogue[key];
      if (typeof entry === "string") continue;
      const needed = new Intl.PluralRules(tag).resolvedOptions().pluralCategories;
      expect([key, Object.keys(entry).sort()]).toEqual([key, [...needed].sort()]);
    }
});

test.each([
  [["de-AT", "en"], "de-AT"],
  [["fr-FR", "de"], "de"],
  [["fr", "pl"], "en"],
  [["EN-gb"], "EN-gb"],
  [[], "en"],
])("texts: of the languages %j, the page chooses %p", (preferred, chosen) => {
  expect(chooseLanguage(preferred)).toBe(chosen);
});

test("texts: numbers and plurals follow the language", () => {
  expect(textsIn("en")("passwordHint", { count: 1 })).toBe("At least 1 character.");
  expect(textsIn("en")("captionTooLong", { count: 2200 })).toContain("2,200");
  expect(textsIn("de-DE")("captionTooLong", { count: 2200 })).toContain("2.200");
  expect(fileSize(1_600_000, "de")).toBe("1,5 MB");
});

test("texts: a placeholder's value is not searched for placeholders", () => {
  expect(textsIn("en")("photosBy", { name: "{name} $&" })).toBe("Photos by {name} $&");
});

test.each([
  ["short", "Use at least 12 characters."],
  ["ann@example.com", "Don't use your email address as the password."],
  ["1234567890123456", undefined],
  ["x".repeat(2000), "This password is too long."],
])("texts: the page has its own words for what is wrong with the password %p", (password, words) => {
  const reason = passwordProblem(password, { minLength: 12, email: "ann@example.com" });
  const shown = reason && new Failure(400, { code: "UPDATE_USER_INVALID_PASSWORD", reason }).message;
  expect(shown).toBe(words);
});

test("texts: the page has its own words for a password that is common", () => {
  const reason = passwordProblem("password", { minLength: 8, email: "ann@example.com" })!;
  expect(new Failure(400, { code: "REGISTER_INVALID_PASSWORD", reason }).message).toBe(
    "This password is too easy to guess. Choose another one.",
  );
});
