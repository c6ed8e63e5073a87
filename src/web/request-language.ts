import { chooseLanguage } from "./page/texts/text.ts";

/** Returns the language of the pages for a request, such as `de-AT`; English if its user prefers none that has texts. */
export const requestLanguage = (headers: Headers): string =>
  chooseLanguage(preferredLanguages(headers.get("accept-language") ?? ""));

/** Returns the languages of an `Accept-Language` header (RFC 9110, 12.5.4) in the order in which browsers list them. */
const preferredLanguages = (header: string): string[] =>
  header.split(",").flatMap((entry) => {
    const [tag = ""] = entry.split(";");
    return /^[a-z]{2,3}(-[a-z0-9]{2,8})*$/i.test(tag.trim()) ? [tag.trim()] : [];
  });
