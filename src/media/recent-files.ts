import { statSync } from "node:fs";

import QuickLRU from "quick-lru";

/** Bytes of all that is kept. */
const capacity = 16 * 1024 ** 2;

/** Bytes that a part takes beside its own: who asks for every single byte must not fill the memory with their names. */
const entry = 1024;

/**
 * Files that were asked for a moment ago: how large they are and small parts of them, above all whole thumbnails and
 * the ranges that players ask for. What lies under a key never changes, so what is kept is good for as long as its post
 * is published, which the caller looks up. The longest unused parts go first.
 */
export class RecentFiles {
  /** By path; so many at least, twice as many at most. */
  readonly #sizes = new QuickLRU<string, number>({ maxSize: 5_000 });
  /** By path and place, in the order of their last use. */
  readonly #parts = new Map<string, Blob>();
  #bytes = 0;

  /** Bytes of a file; undefined when there is none. */
  sizeOf(path: string): number | undefined {
    const known = this.#sizes.get(path);
    if (known !== undefined) return known;
    const size = statSync(path, { throwIfNoEntry: false })?.size;
    if (size === undefined) return undefined;
    this.#sizes.set(path, size);
    return size;
  }

  /** The bytes from `start` up to `end`, not included, few; as `read` gives them where they are not kept. */
  part(path: string, start: number, end: number, read: () => Blob): Blob {
    const name = `${path} ${start}-${end}`;
    const kept = this.#parts.get(name);
    if (kept) {
      this.#parts.delete(name);
      this.#parts.set(name, kept);
      return kept;
    }
    const part = read();
    this.#parts.set(name, part);
    this.#bytes += part.size + entry;
    // Only where something came: to find the first of a Map is to walk over what was deleted before it.
    for (const [oldest, { size }] of this.#parts) {
      if (this.#bytes <= capacity) break;
      this.#parts.delete(oldest);
      this.#bytes -= size + entry;
    }
    return part;
  }
}
