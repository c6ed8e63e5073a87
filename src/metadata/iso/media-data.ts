import type { Box } from "./boxes.ts";

/** The boxes that contain media data, ordered by offset for lookups. */
export class MediaData {
  readonly boxes: readonly Box[];

  constructor(boxes: readonly Box[]) {
    this.boxes = boxes.toSorted((a, b) => a.offset - b.offset);
  }

  /** Returns the box whose content includes the byte at `offset`. */
  boxAt(offset: number): Box | undefined {
    let low = 0;
    for (let high = this.boxes.length; low < high;) {
      const middle = (low + high) >>> 1;
      if ((this.boxes[middle] as Box).end <= offset) low = middle + 1;
      else high = middle;
    }
    const box = this.boxes[low];
    return box && offset >= box.body ? box : undefined;
  }
}
