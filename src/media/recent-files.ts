/** Files of up to this many bytes are worth keeping. */
const largest = 128 * 1024;

/** Bytes of all that is kept. */
const capacity = 16 * 1024 ** 2;

/**
 * Small files that were asked for a moment ago, above all thumbnails. What lies under a key never changes, so what is
 * kept is good for as long as its post is published, which the caller looks up. The longest unused go first.
 */
export class RecentFiles {
  /** By path, in the order of their last use. */
  readonly #kept = new Map<string, Blob>();
  #bytes = 0;

  get(path: string): Blob | undefined {
    const file = this.#kept.get(path);
    if (file) {
      this.#kept.delete(path);
      this.#kept.set(path, file);
    }
    return file;
  }

  add(path: string, file: Blob): void {
    if (file.size > largest || this.#kept.has(path)) return;
    this.#kept.set(path, file);
    this.#bytes += file.size;
    for (const [oldest, { size }] of this.#kept) {
      if (this.#bytes <= capacity) break;
      this.#kept.delete(oldest);
      this.#bytes -= size;
    }
  }
}
