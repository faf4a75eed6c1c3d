/** A page of a list that is kept in a map. */

/** Which page is wanted. */
export interface PageRequest {
  readonly limit?: number;
  readonly after?: string;
}

/** A page, and where the next one begins; null when there is none. */
export interface Page<T> {
  readonly items: T[];
  readonly next: string | null;
}

const DEFAULT_LIMIT = 100;

/** Characters of messages in one answer; the message that reaches it is the last. */
export const MAX_ANSWER_CHARACTERS = 1024 * 1024;

/** The page of `entries` in the order of their keys that comes after the key `after`. */
export function pageOf<T>(
  entries: Iterable<readonly [string, T]>,
  { limit, after }: PageRequest,
): Page<[string, T]> {
  const wanted = limit ?? DEFAULT_LIMIT;
  const later = [...entries]
    .filter(([key]) => after === undefined || key > after)
    .sort(([a], [b]) => (a < b ? -1 : 1)) as [string, T][];
  const items = later.slice(0, wanted);
  return { items, next: later.length > wanted ? (items.at(-1)?.[0] ?? null) : null };
}
