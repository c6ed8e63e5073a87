import type { ExportedFacts } from "./takeout-metadata.ts";

/** The lists in the folders of an iCloud export: `Photo Details.csv`, `Photo Details-1.csv`, … */
export const isPhotoDetails = (name: string): boolean => /^photo details(?:-\d+)?\.csv$/i.test(name);

/** Limit for one list. A list of 100,000 photos has about 15 MB. */
export const maxDetailsBytes = 64 * 1024 ** 2;

/** Limit for a line, in UTF-16 units: a file name and a few short columns. */
const maxLineLength = 4096;

const months = "january february march april may june july august september october november december".split(
  " ",
);

/**
 * Reads a list of the photos in a folder of an iCloud export. Its columns are `imgName, fileChecksum, favorite, hidden,
 * deleted, originalCreationDate, viewCount, importDate`, with dates such as `Saturday June 4,2022 12:11 PM GMT`, whose comma
 * is not quoted in every export. Lines without a name are skipped, and so are lines that are far too long.
 * @returns the facts by file name
 */
export function readPhotoDetails(csv: string): Map<string, ExportedFacts> {
  const found = new Map<string, ExportedFacts>();
  for (const line of linesAfterHead(csv)) {
    if (line.length > maxLineLength) continue;
    const [, quoted, plain = ""] = /^(?:"((?:[^"]|"")*)"|([^,"]*)),/.exec(line) ?? [];
    const name = quoted?.replaceAll('""', '"') ?? plain;
    if (name === "") continue;
    const [, hidden, deleted] = /,(?:yes|no),(yes|no),(yes|no),/i.exec(line) ?? [];
    const isDeleted = [hidden, deleted].some((answer) => answer?.toLowerCase() === "yes");
    found.set(name, { takenAt: readDate(line), isDeleted });
  }
  return found;
}

/** Yields the lines after the first one. An array would take too much memory for a list of millions of empty lines. */
function* linesAfterHead(csv: string): Generator<string> {
  for (let end = csv.indexOf("\n"); end !== -1;) {
    const start = end + 1;
    end = csv.indexOf("\n", start);
    const line = csv.slice(start, end === -1 ? undefined : end);
    yield line.endsWith("\r") ? line.slice(0, -1) : line;
  }
}

/** Reads the first date in a line, that of `originalCreationDate`. */
function readDate(line: string): number | undefined {
  const [, monthName = "", day, year, hour, minute, half = ""] =
    /\b([a-z]{3,9}) (\d{1,2}), ?(\d{4}) (\d{1,2}):(\d\d) ([ap])m gmt/i.exec(line) ?? [];
  const month = months.indexOf(monthName.toLowerCase());
  if (month === -1) return undefined;
  const hours = (Number(hour) % 12) + (half.toLowerCase() === "p" ? 12 : 0);
  return Date.UTC(Number(year), month, Number(day), hours, Number(minute));
}
