/**
 * A map whose entries stand in the order in which they were last set. Finding, adding and removing any entry, also the oldest, takes
 * constant time; the iterator of a `Map` walks over the holes that removed entries leave at its front.
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

  /** How many entries there are. */
  get size(): number {
    return this.#nodes.size;
  }

  /** Whether there is an entry of this key. */
  has(key: K): boolean {
    return this.#nodes.has(key);
  }

  /** Returns the value of a key. */
  get(key: K): V | undefined {
    return this.#nodes.get(key)?.value;
  }

  /** Sets a value, and makes its entry the newest. */
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

  /** Removes an entry; false when there is none. */
  delete(key: K): boolean {
    const node = this.#nodes.get(key);
    if (node === undefined) return false;
    this.#nodes.delete(key);
    this.#unlink(node);
    return true;
  }

  /** The entry that was set before all others, or undefined. */
  get oldest(): readonly [K, V] | undefined {
    return this.#oldest === null ? undefined : [this.#oldest.key, this.#oldest.value];
  }

  /** Removes all entries. */
  clear(): void {
    this.#nodes.clear();
    this.#oldest = null;
    this.#newest = null;
  }

  /** The entries, the oldest first. */
  *[Symbol.iterator](): Generator<readonly [K, V]> {
    let node = this.#oldest;
    while (node !== null) {
      // Read first: the entry may be deleted, or become the newest, before the next one is asked for.
      const { newer } = node;
      yield [node.key, node.value];
      node = newer;
    }
  }

  /** The keys, the newest first. */
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
