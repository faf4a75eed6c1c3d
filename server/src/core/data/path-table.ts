/**
 * Values of paths and of patterns. What is said of a path itself counts more than what is said of a pattern that matches it. Patterns
 * lie by the text that they begin with, so that a thousand of them are not all tried for each path.
 */
import { compilePattern, type Pattern } from '../../../../protocol/patterns.js';

interface Row<T> {
  readonly pattern: Pattern;
  readonly value: T;
}

/** Whether a text is a path, and not a pattern of several. */
export const isPath = (source: string): boolean => !source.includes('{');

/** Values by path or pattern. Texts are those of valid paths and patterns. */
export class PathTable<T> {
  /** Most tables have only the one or the other. */
  #paths: Map<string, T> | null = null;
  #patterns: Map<string, Row<T>> | null = null;
  /** By what they begin with, and the lengths of that; null when it is to be made anew. */
  #index: { readonly rows: Map<string, Row<T>[]>; readonly lengths: readonly number[] } | null = null;

  /** Paths and patterns. */
  get size(): number {
    return (this.#paths?.size ?? 0) + (this.#patterns?.size ?? 0);
  }

  /** The paths and patterns, each kind in the order of their setting. */
  *sources(): Generator<string> {
    if (this.#paths !== null) yield* this.#paths.keys();
    if (this.#patterns !== null) yield* this.#patterns.keys();
  }

  /** What was set for this very path or pattern. */
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

  /** Deletes the paths, not the patterns, that a pattern matches. */
  deleteMatched(pattern: Pattern): void {
    for (const path of this.#paths?.keys() ?? []) {
      if (pattern.match(path) !== null) this.#paths?.delete(path);
    }
  }

  /** Deletes the patterns, not the paths. */
  deletePatterns(): void {
    this.#patterns = this.#index = null;
  }

  /** What was set for this very path. */
  ofPath(path: string): T | undefined {
    return this.#paths?.get(path);
  }

  /** The values of the patterns that match a path. */
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

  /** Whether anything is set for a path, by itself or by a pattern. */
  has(path: string): boolean {
    if (this.#paths?.has(path) === true) return true;
    for (const _ of this.ofPatterns(path)) return true;
    return false;
  }
}

/** A table that only says which paths and patterns there are. */
export function tableOf(sources: readonly string[]): PathTable<true> {
  const table = new PathTable<true>();
  for (const source of sources) table.set(source, true);
  return table;
}

/** The shortest beginnings first. */
function indexOf<T>(all: Iterable<Row<T>>) {
  const rows = new Map<string, Row<T>[]>();
  for (const row of all) {
    const start = row.pattern.source.split('{', 1)[0] ?? '';
    const same = rows.get(start);
    if (same === undefined) rows.set(start, [row]);
    else same.push(row);
  }
  const lengths = [...new Set([...rows.keys()].map(({ length }) => length))].sort((a, b) => a - b);
  return { rows, lengths };
}
