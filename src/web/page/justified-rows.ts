/** A row of pictures that have one height. */
export interface Row {
  /** Index of its first picture. */
  readonly from: number;
  /** Index after its last one. */
  readonly to: number;
  /** Height of its pictures, in pixels. */
  readonly height: number;
  /** Widths of its pictures, in pixels. */
  readonly widths: readonly number[];
}

/** All in pixels. */
export interface RowOptions {
  readonly width: number;
  readonly gap: number;
  /** The maximum height of a row. A last row that is not full has this height. */
  readonly maxHeight: number;
}

/** Narrower lists show one picture in a row. */
const oneColumnBelowPx = 560;

/** Wide screens show taller pictures with bars at their sides, which leaves room for the texts below. */
const minRatio = 9 / 16;
/** One column shows a picture that is taller than most screens, such as a long screenshot, with bars. */
const minRatioInColumn = 0.4;
const maxRatio = 12;

/**
 * Arranges pictures in rows that fill the width, as in justified text. Adding pictures at the end changes only the last
 * row.
 * @param ratios width divided by height of each picture
 */
export function justifiedRows(ratios: readonly number[], { width, gap, maxHeight }: RowOptions): Row[] {
  const rows: Row[] = [];
  const isColumn = width < oneColumnBelowPx;
  const shown = ratios.map((ratio) =>
    Math.min(maxRatio, Math.max(isColumn ? minRatioInColumn : minRatio, ratio)),
  );
  let from = 0;
  let sum = 0;
  const end = (to: number, height: number) => {
    // Rounded down, so that the row never becomes wider than the list.
    const widths = shown.slice(from, to).map((ratio) => Math.floor(ratio * height * 64) / 64);
    rows.push({ from, to, height, widths });
    from = to;
    sum = 0;
  };
  shown.forEach((ratio, i) => {
    sum += ratio;
    const height = (width - gap * (i - from)) / sum;
    if (isColumn || height <= maxHeight) end(i + 1, height);
  });
  if (from < shown.length) end(shown.length, maxHeight);
  return rows;
}
