import { language } from "./texts/text.ts";

const units = ["byte", "kilobyte", "megabyte", "gigabyte"];

/** Formats a number of bytes such as "25 MB", with units of powers of 1,024 and at most one decimal, rounded down. */
export function fileSize(bytes: number, tag = language): string {
  const power = Math.max(
    0,
    units.findLastIndex((_, i) => bytes >= 1024 ** i),
  );
  return new Intl.NumberFormat(tag, {
    style: "unit",
    unit: units[power]!,
    unitDisplay: power === 0 ? "long" : "short",
    maximumFractionDigits: 1,
    roundingMode: "trunc",
  }).format(bytes / 1024 ** power);
}
