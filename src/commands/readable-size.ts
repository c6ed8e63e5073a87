const units = ["bytes", "kB", "MB", "GB", "TB"];

/** A number of bytes for people, such as `1.5 GB`. */
export function readableSize(bytes: number): string {
  const power = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3));
  return `${Number((bytes / 1000 ** power).toFixed(1))} ${units[power]}`;
}
