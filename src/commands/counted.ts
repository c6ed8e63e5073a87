/** A count with its noun, for texts in English. @param plural a plural in -s */
export const counted = (count: number, plural: string): string =>
  `${count} ${count === 1 ? plural.slice(0, -1) : plural}`;
