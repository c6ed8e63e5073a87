import type { Catalogue, PluralForms, TextKey, TextValues } from "./catalogue.ts";
import { de } from "./de.ts";
import { en } from "./en.ts";

const catalogues: Readonly<Record<string, Catalogue>> = { en, de };

/** The languages that have a catalogue, without regions. */
export const languages = Object.keys(catalogues);

/** Returns the first of the languages (BCP 47) that has a catalogue, with its region; English if none has. */
export const chooseLanguage = (preferred: readonly string[]): string =>
  preferred.find((tag) => languageOf(tag) in catalogues) ?? "en";

/** Returns a language without its region, such as `de` for `de-AT`. */
export const languageOf = (tag: string): string => tag.split("-")[0]!.toLowerCase();

/** The page's language, such as `de-AT`: for the `lang` attribute, dates and numbers. */
export const language = chooseLanguage(navigator.languages ?? []);

/** Returns a function that looks texts up in the catalogue of a language. */
export function textsIn(tag: string) {
  const catalogue: Catalogue = catalogues[languageOf(tag)] ?? en;
  const plurals = new Intl.PluralRules(tag);
  const numbers = new Intl.NumberFormat(tag);
  /** Returns a text with its placeholders filled. */
  return <Key extends TextKey>(
    key: Key,
    ...[values]: keyof TextValues<Key> extends never ? [] : [values: TextValues<Key>]
  ): string => {
    const given: Readonly<Record<string, string | number>> = values ?? {};
    const entry: string | PluralForms = catalogue[key];
    const text =
      typeof entry === "string" ? entry : (entry[plurals.select(Number(given["count"]))] ?? entry.other);
    return text.replace(/\{(\w+)\}/g, (_, name: string) => {
      const value = given[name] ?? "";
      return typeof value === "number" ? numbers.format(value) : value;
    });
  };
}

/** The texts of the page's language. */
export const text = textsIn(language);
