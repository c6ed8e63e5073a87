import { canonicalId } from "../http/canonical-id.ts";
import { printable } from "../printable.ts";

/** A row that cannot be imported: the reason, as the end of a sentence about it. */
export interface Refusal {
  readonly problem: string;
}

export const refuse = (problem: string): Refusal => ({ problem });

export const isRefusal = (value: object): value is Refusal => "problem" in value;

/**
 * Reads a UUID as SQLAlchemy stores it: as text with or without hyphens, or as 16 bytes.
 * @returns its text with hyphens, in lower case; undefined for anything else
 */
export function readId(value: unknown): string | undefined {
  const text =
    typeof value === "string"
      ? value
      : value instanceof Uint8Array && value.length === 16
        ? value.toHex()
        : undefined;
  return text === undefined ? undefined : canonicalId(text) || undefined;
}

/** Reads a flag, which SQLite stores as a number. */
export const readFlag = (value: unknown): boolean | undefined =>
  value === 1 ? true : value === 0 ? false : undefined;

/** A time as SQLAlchemy stores it, in UTC without saying so. */
const timePattern = /^(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|[+]00:?00)?$/;

/**
 * Reads a time to the millisecond.
 * @returns undefined for anything but a time between 1970 and 9999
 */
export function readTime(value: unknown): Date | undefined {
  const [, year, month, day, hour, minute, second, fraction = ""] =
    (typeof value === "string" && timePattern.exec(value)) || [];
  if (year === undefined || Number(year) < 1970) return undefined;
  const milliseconds = fraction.padEnd(3, "0").slice(0, 3);
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}.${milliseconds}Z`;
  const time = new Date(iso);
  // The 30th of February would become another day.
  return !Number.isNaN(time.getTime()) && time.toISOString() === iso ? time : undefined;
}

/** The beginning of an untrusted text, safe to print. */
export const excerpt = (text: string): string =>
  printable(text.slice(0, 100)) + (text.length > 100 ? "…" : "");
