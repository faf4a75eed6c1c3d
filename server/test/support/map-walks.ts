/**
 * Counts how often a large Map or Set is begun to be walked. A walk to the oldest entry passes the holes that removed entries have
 * left, so "remove the oldest" by an iterator costs more the more was removed before.
 */

const LARGE = 1_000;
const WALKS = ['keys', 'values', 'entries', 'forEach', Symbol.iterator] as const;

/** Runs `task`, and returns how many walks over a Map or Set with more than 1,000 entries were begun meanwhile. */
export async function walksDuring(task: () => unknown): Promise<number> {
  let walks = 0;
  const restore: (() => void)[] = [];
  for (const prototype of [Map.prototype, Set.prototype] as object[]) {
    for (const name of WALKS) {
      const descriptor = Object.getOwnPropertyDescriptor(prototype, name) as PropertyDescriptor;
      const original = descriptor.value as (...args: unknown[]) => unknown;
      Object.defineProperty(prototype, name, {
        ...descriptor,
        value(this: { readonly size: number }, ...args: unknown[]): unknown {
          if (this.size > LARGE) walks++;
          return original.apply(this, args);
        },
      });
      restore.push(() => Object.defineProperty(prototype, name, descriptor));
    }
  }
  try {
    await task();
  } finally {
    for (const undo of restore) undo();
  }
  return walks;
}
