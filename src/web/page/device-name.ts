import { text } from "./texts/text.ts";

/** Names by a pattern for the `User-Agent` header. The first match counts, because browsers also name other browsers. */
const browsers: readonly [RegExp, string][] = [
  [/\b(Edg|EdgA|EdgiOS)\//, "Edge"],
  [/\bOPR\//, "Opera"],
  [/\bSamsungBrowser\//, "Samsung Internet"],
  [/\b(Firefox|FxiOS)\//, "Firefox"],
  [/\b(Chrome|CriOS|HeadlessChrome)\//, "Chrome"],
  [/\bVersion\/.*\bSafari\//, "Safari"],
];
const systems: readonly [RegExp, string][] = [
  [/\bWindows\b/, "Windows"],
  [/\biPhone\b/, "iPhone"],
  [/\biPad\b/, "iPad"],
  [/\bAndroid\b/, "Android"],
  [/\bMacintosh\b/, "Mac"],
  [/\bCrOS\b/, "Chromebook"],
  [/\bLinux\b/, "Linux"],
];

const nameIn = (names: typeof browsers, userAgent: string) =>
  names.find(([pattern]) => pattern.test(userAgent))?.[1];

/** Returns the name of a device, such as "Firefox on Windows". @param userAgent the header of its login */
export function deviceName(userAgent: string | null): string {
  const browser = nameIn(browsers, userAgent ?? "");
  const system = nameIn(systems, userAgent ?? "");
  if (browser && system) return text("deviceOn", { browser, system });
  // Apps begin with their name: `PhotoApp/2.1 (…)`.
  const [, app] = /^(?!Mozilla\b)([\w .-]{2,40})(?:\/|$)/.exec(userAgent ?? "") ?? [];
  return browser ?? app ?? system ?? text("unknownDevice");
}
