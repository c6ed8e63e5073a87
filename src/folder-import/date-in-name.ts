/** `20180704_101500`, `2018-07-04 10.15.00`, `20180704-WA0001`: a date, and a time if it follows. */
const pattern =
  /(?<!\d)((?:19|20)\d\d)([-_.]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])(?:[-_. T]?(?:at )?([01]\d|2[0-3])[-_.:h]?([0-5]\d)[-_.:m]?([0-5]\d)(?:\d{3})?)?(?!\d)/;

/**
 * Reads the date in the name that a camera or messenger gave to a file.
 * @returns milliseconds since 1970, for a local time; undefined for a name without a date
 */
export function dateInName(name: string): number | undefined {
  const [, year, , month, day, hours = "0", minutes = "0", seconds = "0"] = pattern.exec(name) ?? [];
  if (year === undefined) return undefined;
  const [y, m, d] = [Number(year), Number(month) - 1, Number(day)];
  return new Date(y, m, d, Number(hours), Number(minutes), Number(seconds)).getTime();
}
