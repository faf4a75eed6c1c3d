/** A page of a list that is kept in a map, in the order of its keys. */

/** Which page is wanted. */
export interface PageRange<T> {
  readonly limit: number;
  /** Only keys after this one. */
  readonly after?: string | undefined;
  /** The item that reaches so many characters is the last. */
  readonly maxCharacters?: number;
  readonly charactersOf?: (item: T) => number;
}

/** A page, and the last key of it when there are more; else null. */
export interface Page<T> {
  readonly items: [string, T][];
  readonly next: string | null;
}

/** Returns a page of `entries`. */
export function pageOf<T>(
  entries: Iterable<readonly [string, T]>,
  { limit, after, maxCharacters = Number.POSITIVE_INFINITY, charactersOf = () => 0 }: PageRange<T>,
): Page<T> {
  const later = [...entries]
    .filter(([key]) => after === undefined || key > after)
    .sort(([a], [b]) => (a < b ? -1 : 1)) as [string, T][];
  const items: [string, T][] = [];
  let room = maxCharacters;
  for (const entry of later) {
    if (items.length === limit || room <= 0) break;
    items.push(entry);
    room -= charactersOf(entry[1]);
  }
  return { items, next: later.length > items.length ? (items.at(-1)?.[0] ?? null) : null };
}
