/** A small typed emitter. A listener that throws stops neither the others nor Pomona. */
import { reportUncaught } from './errors.js';

/** Takes one event. */
export type Listener<T> = (event: T) => void;

/** Calls listeners by the name of an event, in the order in which they were added. */
export class Emitter<Events> {
  readonly #listeners = new Map<keyof Events, Set<Listener<never>>>();

  /** Adds a listener (the identical one once); returns the function that removes it. */
  on<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  /** Calls all listeners but those that one before them removed; says whether there was one. */
  emit<Name extends keyof Events>(name: Name, event: Events[Name]): boolean {
    const listeners = (this.#listeners.get(name) ?? new Set()) as Set<Listener<Events[Name]>>;
    const called = [...listeners];
    for (const listener of called) {
      if (!listeners.has(listener)) continue;
      try {
        listener(event);
      } catch (error) {
        reportUncaught(error);
      }
    }
    return called.length > 0;
  }

  /** Removes all listeners; those that an event has not reached yet are not called any more. */
  clear(): void {
    for (const listeners of this.#listeners.values()) listeners.clear();
  }
}
