/**
 * A map in the order in which its entries were last set. Every operation takes constant time, also on the oldest entry.
 * The iterator of a `Map` walks over the holes that removed entries leave at its front.
 */

interface Node<K, V> {
  readonly key: K;
  value: V;
  older: Node<K, V> | null;
  newer: Node<K, V> | null;
}

/** A map in the order of the last setting. Entries may be deleted while it is iterated. */
export class LinkedMap<K, V> {
  readonly #nodes = new Map<K, Node<K, V>>();
  #oldest: Node<K, V> | null = null;
  #newest: Node<K, V> | null = null;

  /** Returns the number of entries. */
  get size(): number {
    return this.#nodes.size;
  }

  /** Returns whether a key has an entry. */
  has(key: K): boolean {
    return this.#nodes.has(key);
  }

  /** Returns the value of a key. */
  get(key: K): V | undefined {
    return this.#nodes.get(key)?.value;
  }

  /** Sets a value and makes its entry the newest. */
  set(key: K, value: V): void {
    const known = this.#nodes.get(key);
    if (known === undefined) {
      const node = { key, value, older: null, newer: null };
      this.#nodes.set(key, node);
      this.#append(node);
      return;
    }
    known.value = value;
    if (known === this.#newest) return;
    this.#unlink(known);
    this.#append(known);
  }

  /** Removes an entry; returns false when the key has none. */
  delete(key: K): boolean {
    const node = this.#nodes.get(key);
    if (node === undefined) return false;
    this.#nodes.delete(key);
    this.#unlink(node);
    return true;
  }

  /** Returns the entry that was set first, or undefined. */
  get oldest(): readonly [K, V] | undefined {
    return this.#oldest === null ? undefined : [this.#oldest.key, this.#oldest.value];
  }

  /** Removes all entries. */
  clear(): void {
    this.#nodes.clear();
    this.#oldest = null;
    this.#newest = null;
  }

  /** Yields the entries, oldest first. */
  *[Symbol.iterator](): Generator<readonly [K, V]> {
    let node = this.#oldest;
    while (node !== null) {
      // Read before the yield: the caller may delete or set the entry.
      const { newer } = node;
      yield [node.key, node.value];
      node = newer;
    }
  }

  /** Yields the keys, newest first. */
  *newestFirst(): Generator<K> {
    for (let node = this.#newest; node !== null; node = node.older) yield node.key;
  }

  #append(node: Node<K, V>): void {
    node.older = this.#newest;
    node.newer = null;
    if (this.#newest === null) this.#oldest = node;
    else this.#newest.newer = node;
    this.#newest = node;
  }

  #unlink({ older, newer }: Node<K, V>): void {
    if (older === null) this.#oldest = newer;
    else older.newer = newer;
    if (newer === null) this.#newest = older;
    else newer.older = older;
  }
}
