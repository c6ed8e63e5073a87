import { statSync } from "node:fs";

/** Parts of up to this many bytes are worth keeping. */
const largest = 128 * 1024;

/** Bytes of all that is kept. */
const capacity = 16 * 1024 ** 2;

/** Files whose sizes are known by heart. */
const sizesKept = 10_000;

/**
 * Files that were asked for a moment ago: how large they are and small parts of them, above all whole thumbnails and
 * the ranges that players ask for. What lies under a key never changes, so what is kept is good for as long as its post
 * is published, which the caller looks up. The longest unused parts go first.
 */
export class RecentFiles {
  readonly #sizes = new Map<string, number>();
  /** By {@link nameOf | name}, in the order of their last use. */
  readonly #parts = new Map<string, Blob>();
  #bytes = 0;

  /** Bytes of a file; undefined when there is none. */
  sizeOf(path: string): number | undefined {
    const known = this.#sizes.get(path);
    if (known !== undefined) return known;
    const size = statSync(path, { throwIfNoEntry: false })?.size;
    if (size === undefined) return undefined;
    this.#sizes.set(path, size);
    for (const first of this.#sizes.keys()) {
      if (this.#sizes.size <= sizesKept) break;
      this.#sizes.delete(first);
    }
    return size;
  }

  /** The bytes from `start` up to `end`, not included, as `read` gives them where they are not kept. */
  part(path: string, start: number, end: number, read: () => Blob): Blob {
    const name = nameOf(path, start, end);
    let part = this.#parts.get(name);
    if (part) this.#parts.delete(name);
    else {
      part = read();
      if (part.size > largest) return part;
      this.#bytes += part.size;
    }
    this.#parts.set(name, part);
    for (const [oldest, { size }] of this.#parts) {
      if (this.#bytes <= capacity) break;
      this.#parts.delete(oldest);
      this.#bytes -= size;
    }
    return part;
  }
}

const nameOf = (path: string, start: number, end: number) => `${path} ${start}-${end}`;
