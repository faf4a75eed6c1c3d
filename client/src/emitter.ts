/** A small typed emitter. A listener that throws stops neither the others nor Pomona. */
import { reportUncaught } from './errors.js';

/** Takes one event. */
export type Listener<T> = (event: T) => void;
type Listeners = Set<(event: unknown) => unknown>;

/** Calls listeners by the name of an event, in the order in which they were added. */
export class Emitter<Events> {
  readonly #listeners = new Map<keyof Events, Listeners>();

  /** Adds a listener (the identical one once); returns the function that removes it. */
  on<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): () => void {
    const listeners: Listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener as Listener<unknown>));
    return () => void listeners.delete(listener as Listener<unknown>);
  }

  /** Calls all listeners but those that one before them removed; returns what each returned. */
  emit<Name extends keyof Events>(name: Name, event: Events[Name]): unknown[] {
    const listeners: Listeners = this.#listeners.get(name) ?? new Set();
    return [...listeners].map((listener) => {
      try {
        return listeners.has(listener) && listener(event);
      } catch (error) {
        return reportUncaught(error);
      }
    });
  }

  /** Removes all listeners; those that an event has not reached yet are not called any more. */
  clear(): void {
    for (const listeners of this.#listeners.values()) listeners.clear();
  }
}
