/** Parses a whole number; undefined unless it is from `min` to `max`. */
export function wholeNumber(value: string, min: number, max: number): number | undefined {
  const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
  return number >= min && number <= max ? number : undefined;
}

const maxFileBytes = 100 * 1024 ** 3;
export const sizeExpected = "a number of bytes from 1 to 100gb, such as 500000, 800kb, 25mb or 2gb";
const units = { "": 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 };

/** Parses a number of bytes, such as `25mb`; undefined unless it is from 1 to `maxBytes`. */
export function size(value: string, maxBytes = maxFileBytes): number | undefined {
  const [, digits, unit] = /^(\d{1,15})\s*(kb|mb|gb)?$/i.exec(value) ?? [];
  if (digits === undefined) return undefined;
  const bytes = Number(digits) * units[(unit ?? "").toLowerCase() as keyof typeof units];
  return bytes >= 1 && bytes <= maxBytes ? bytes : undefined;
}
