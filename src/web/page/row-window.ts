import type { Row } from "./justified-rows.ts";

/** How many screens above and below the visible one have their items. */
const screensAround = 1.5;

/** Rows whose items are in the document, and the heights of the others, in pixels. */
export interface RowWindow {
  readonly rows: readonly Row[];
  readonly heightBefore: number;
  readonly heightAfter: number;
}

/**
 * Returns the rows near the visible part.
 * @param heightOf the height of a row with its texts and the gap below it, in pixels
 * @param top that of the list, relative to the window
 */
export function rowWindow(rows: readonly Row[], heightOf: (row: Row) => number, top: number): RowWindow {
  const margin = screensAround * innerHeight;
  const near: Row[] = [];
  let heightBefore = 0;
  let heightAfter = 0;
  for (const row of rows) {
    const height = heightOf(row);
    if (top + height < -margin) heightBefore += height;
    else if (top > innerHeight + margin) heightAfter += height;
    else near.push(row);
    top += height;
  }
  return { rows: near, heightBefore, heightAfter };
}

/** Returns how far below the top of the list the row with this item begins; undefined if there is none. */
export function offsetOf(rows: readonly Row[], heightOf: (row: Row) => number, index: number) {
  let offset = 0;
  for (const row of rows) {
    if (index >= row.from && index < row.to) return offset;
    offset += heightOf(row);
  }
  return undefined;
}
