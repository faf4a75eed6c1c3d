/**
 * Stores values by path and by pattern. Patterns are indexed by their literal prefix, so that a lookup does not match a
 * path against all of them.
 */
import { compilePattern, type Pattern } from '../../../../protocol/patterns.js';

interface Row<T> {
  readonly pattern: Pattern;
  readonly value: T;
}

/** Returns whether a valid source is a path, not a pattern. */
export const isPath = (source: string): boolean => !source.includes('{');

/** Values by path or pattern; all sources must be valid. */
export class PathTable<T> {
  /** Null while empty: most tables hold only paths or only patterns. */
  #paths: Map<string, T> | null = null;
  #patterns: Map<string, Row<T>> | null = null;
  /** Patterns by prefix, and the lengths of the prefixes; null when it is outdated. */
  #index: { readonly rows: Map<string, Row<T>[]>; readonly lengths: readonly number[] } | null = null;

  /** Returns the number of paths and patterns. */
  get size(): number {
    return (this.#paths?.size ?? 0) + (this.#patterns?.size ?? 0);
  }

  /** Yields the paths, then the patterns, each in the order of insertion. */
  *sources(): Generator<string> {
    if (this.#paths !== null) yield* this.#paths.keys();
    if (this.#patterns !== null) yield* this.#patterns.keys();
  }

  /** Returns the value of exactly this path or pattern. */
  get(source: string): T | undefined {
    return this.#paths?.get(source) ?? this.#patterns?.get(source)?.value;
  }

  set(source: string, value: T): void {
    if (isPath(source)) {
      this.#paths ??= new Map();
      this.#paths.set(source, value);
    } else {
      this.#patterns ??= new Map();
      this.#patterns.set(source, { pattern: compilePattern(source), value });
      this.#index = null;
    }
  }

  delete(source: string): void {
    this.#paths?.delete(source);
    if (this.#patterns?.delete(source)) this.#index = null;
  }

  /** Deletes the paths that a pattern matches; patterns stay. */
  deleteMatched(pattern: Pattern): void {
    for (const path of this.#paths?.keys() ?? []) {
      if (pattern.match(path) !== null) this.#paths?.delete(path);
    }
  }

  /** Deletes all patterns; paths stay. */
  deletePatterns(): void {
    this.#patterns = this.#index = null;
  }

  /** Returns the value of exactly this path. */
  ofPath(path: string): T | undefined {
    return this.#paths?.get(path);
  }

  /** Yields the values of the patterns that match a path. */
  *ofPatterns(path: string): Generator<T> {
    if (this.#patterns === null) return;
    this.#index ??= indexOf(this.#patterns.values());
    const { rows, lengths } = this.#index;
    for (const length of lengths) {
      if (length > path.length) return;
      for (const { pattern, value } of rows.get(path.slice(0, length)) ?? []) {
        if (pattern.match(path) !== null) yield value;
      }
    }
  }

  /** Returns whether a path, or a pattern that matches it, has a value. */
  has(path: string): boolean {
    if (this.#paths?.has(path) === true) return true;
    for (const _ of this.ofPatterns(path)) return true;
    return false;
  }
}

/** Returns a set of paths and patterns. */
export function tableOf(sources: readonly string[]): PathTable<true> {
  const table = new PathTable<true>();
  for (const source of sources) table.set(source, true);
  return table;
}

/** Returns the rows by prefix, and the lengths of the prefixes, shortest first. */
function indexOf<T>(all: Iterable<Row<T>>) {
  const rows = new Map<string, Row<T>[]>();
  for (const row of all) {
    const prefix = row.pattern.source.split('{', 1)[0] ?? '';
    const same = rows.get(prefix);
    if (same === undefined) rows.set(prefix, [row]);
    else same.push(row);
  }
  const lengths = [...new Set([...rows.keys()].map(({ length }) => length))].sort((a, b) => a - b);
  return { rows, lengths };
}
