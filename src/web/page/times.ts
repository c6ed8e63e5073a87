import { language } from "./texts/text.ts";

const steps: [Intl.RelativeTimeFormatUnit, number][] = [
  ["minute", 60],
  ["hour", 24],
  ["day", 7],
  ["week", 4.35],
  ["month", 12],
  ["year", Number.POSITIVE_INFINITY],
];

/** "3 hours ago", in the page's language; "now" within the first minute. */
export function ago(time: Date, now = new Date()): string {
  const format = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  let amount = (time.getTime() - now.getTime()) / 60_000;
  if (Math.abs(amount) < 1) return format.format(0, "second");
  for (const [unit, size] of steps) {
    if (Math.abs(Math.round(amount)) < size) return format.format(Math.round(amount), unit);
    amount /= size;
  }
  return "";
}

/** "Nov 27, 2026", in the page's language. */
export const day = (time: Date): string =>
  new Intl.DateTimeFormat(language, { dateStyle: "medium" }).format(time);

/** "27 November 2026 at 17:02", in the page's language. */
export const fullDate = (time: Date): string =>
  new Intl.DateTimeFormat(language, { dateStyle: "long", timeStyle: "short" }).format(time);

/** "27 Nov 2026, 17:02", in the page's language. */
export const shortDate = (time: Date): string =>
  new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(time);

/** Formats a waiting time such as "14 minutes", rounded up so that waiting that long is enough. */
export function duration(seconds: number, tag = language): string {
  const inUnit = (unit: string, amount: number) =>
    new Intl.NumberFormat(tag, { style: "unit", unit, unitDisplay: "long" }).format(
      Math.max(1, Math.ceil(amount)),
    );
  if (seconds < 60) return inUnit("second", seconds);
  if (seconds <= 59 * 60) return inUnit("minute", seconds / 60);
  return inUnit("hour", seconds / 3600);
}

/** Formats the length of a video as 0:07, 12:34 or 1:02:03. */
export function clock(seconds: number): string {
  const whole = Math.round(seconds);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (parts[0] === 0) parts.shift();
  return parts.map((part, i) => (i === 0 ? String(part) : String(part).padStart(2, "0"))).join(":");
}
