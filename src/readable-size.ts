const units = ["bytes", "kB", "MB", "GB", "TB"];

/** A number of bytes for operators, such as `1.5 GB`: powers of 1,024, as in settings and on the page, rounded down. */
export function readableSize(bytes: number): string {
  const power = Math.max(
    0,
    units.findLastIndex((_, i) => bytes >= 1024 ** i),
  );
  return `${Math.floor((bytes / 1024 ** power) * 10) / 10} ${units[power]}`;
}

/** Makes the number of bytes in the `detail` of an error readable. */
export const withReadableSize = (detail: string): string =>
  detail.replace(/(\d+) bytes/, (_, digits: string) => readableSize(Number(digits)));
