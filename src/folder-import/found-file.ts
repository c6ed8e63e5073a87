/** A file in the source folder to import. */
export interface FoundFile {
  /** Relative to the source folder. */
  readonly path: string;
  readonly bytes: number;
  /** Milliseconds since 1970: when the photo was taken, as far as that is known. */
  readonly takenAt: number;
  /** Empty for none. */
  readonly caption: string;
}

/**
 * Sorts files in the order in which they are published: by the time at which they were taken. Of files from the same
 * second, one with a caption comes first, because a copy of it may lack the caption.
 */
export function byTakenTime(a: FoundFile, b: FoundFile): number {
  if (a.takenAt !== b.takenAt) return a.takenAt - b.takenAt;
  const captions = Number(b.caption !== "") - Number(a.caption !== "");
  return captions !== 0 ? captions : a.path < b.path ? -1 : 1;
}
