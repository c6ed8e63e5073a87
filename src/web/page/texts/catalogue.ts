import type { en } from "./en.ts";

export type TextKey = keyof typeof en;

/** The forms of a text with a number, by plural category; `other` serves for categories without one. */
export type PluralForms = Partial<Record<Intl.LDMLPluralRule, string>> & { readonly other: string };

/** The texts in one language. */
export type Catalogue = {
  readonly [Key in TextKey]: (typeof en)[Key] extends string ? string : PluralForms;
};

type PlaceholdersIn<Text> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | PlaceholdersIn<Rest>
  : never;
type Forms<Key extends TextKey> = (typeof en)[Key] extends { readonly other: infer Text }
  ? Text
  : (typeof en)[Key];

/** The values that a text needs: `count` is a number. */
export type TextValues<Key extends TextKey> = {
  readonly [Name in PlaceholdersIn<Forms<Key>>]: Name extends "count" ? number : string;
};

/** The keys of texts without placeholders. */
export type PlainKey = { [Key in TextKey]: keyof TextValues<Key> extends never ? Key : never }[TextKey];
