const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const month = `(?<month>${months.join("|")})`;
const time = "(?<hour>\\d\\d):(?<minute>\\d\\d):(?<second>\\d\\d)";
const weekday = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)";
const longWeekday = "(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day";

/** IMF-fixdate, and the two obsolete formats that a recipient must still accept. */
const formats = [
  new RegExp(`^${weekday}, (?<day>\\d\\d) ${month} (?<year>\\d{4}) ${time} GMT$`),
  new RegExp(`^${longWeekday}, (?<day>\\d\\d)-${month}-(?<year>\\d\\d) ${time} GMT$`),
  new RegExp(`^${weekday} ${month} (?<day>[ \\d]\\d) ${time} (?<year>\\d{4})$`),
];

/**
 * Reads an HTTP-date (RFC 9110, 5.6.7).
 * @returns milliseconds since 1970; undefined for invalid dates, which a recipient must ignore
 */
export function parseHttpDate(text: string): number | undefined {
  for (const format of formats) {
    const found = format.exec(text)?.groups;
    if (!found) continue;
    const [day, hour, minute, second] = [found["day"], found["hour"], found["minute"], found["second"]].map(
      Number,
    );
    const at = Date.UTC(fullYear(found["year"]!), months.indexOf(found["month"]!), day, hour, minute, second);
    // Date.UTC turns the 31st of February into a day in March.
    return new Date(at).getUTCDate() === day ? at : undefined;
  }
  return undefined;
}

/** A two-digit year that appears to be more than 50 years in the future is the most recent past year with these digits. */
function fullYear(digits: string): number {
  if (digits.length === 4) return Number(digits);
  const now = new Date().getUTCFullYear();
  const year = now - (now % 100) + Number(digits);
  return year > now + 50 ? year - 100 : year;
}
