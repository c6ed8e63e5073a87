import { chooseLanguage } from "./page/texts/text.ts";

/** Returns the language in which a request's user reads pages, such as `de-AT`; English if there are no texts in theirs. */
export const requestLanguage = (headers: Headers): string =>
  chooseLanguage(preferredLanguages(headers.get("accept-language") ?? ""));

/** Returns the languages of an `Accept-Language` header (RFC 9110, 12.5.4), those that the user prefers first. */
const preferredLanguages = (header: string): string[] =>
  header
    .split(",")
    .flatMap((entry) => {
      const [tag = "", ...parameters] = entry.split(";").map((part) => part.trim());
      const weight = parameters.find((parameter) => /^q=/i.test(parameter))?.slice(2) ?? "1";
      return isLanguage(tag) ? [{ tag, weight: Number(weight) }] : [];
    })
    // A language of weight 0 is one that the user does not read.
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight)
    .map(({ tag }) => tag);

/** Whether a tag is a language without extensions. `Intl` throws for `de-12`, repeated variants and very long tags. */
function isLanguage(tag: string): boolean {
  if (!/^[a-z]{2,3}(-[a-z0-9]{2,8})*$/i.test(tag)) return false;
  try {
    Intl.PluralRules.supportedLocalesOf(tag);
    return true;
  } catch {
    return false;
  }
}
