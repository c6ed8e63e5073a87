interface Entry<Value> {
  readonly value: Value;
  readonly size: number;
}

/**
 * A cache bounded by the total size of its entries instead of their number: for values that clients can make large. The
 * entries used last stay, up to `capacity` in total at least and twice as much at most.
 *
 * Two generations, as in quick-lru: entries that are added or read belong to the young one. When that is full it becomes
 * the old one, whose entries are dropped unless they are read before the next time.
 */
export class SizeBoundedCache<Value> {
  #young = new Map<string, Entry<Value>>();
  #old = new Map<string, Entry<Value>>();
  #youngSize = 0;

  /** @param capacity in the unit of the sizes given to {@link set} */
  constructor(private readonly capacity: number) {}

  has(key: string): boolean {
    return this.#young.has(key) || this.#old.has(key);
  }

  get(key: string): Value | undefined {
    const entry = this.#young.get(key);
    if (entry) return entry.value;
    const aged = this.#old.get(key);
    if (!aged) return undefined;
    this.#old.delete(key);
    this.#add(key, aged);
    return aged.value;
  }

  /** A value larger than the capacity is not kept. */
  set(key: string, value: Value, size: number): void {
    this.delete(key);
    if (size <= this.capacity) this.#add(key, { value, size });
  }

  delete(key: string): void {
    const entry = this.#young.get(key);
    if (entry) this.#youngSize -= entry.size;
    this.#young.delete(key);
    this.#old.delete(key);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
    this.#youngSize = 0;
  }

  #add(key: string, entry: Entry<Value>): void {
    if (this.#youngSize + entry.size > this.capacity) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngSize = 0;
    }
    this.#young.set(key, entry);
    this.#youngSize += entry.size;
  }
}
