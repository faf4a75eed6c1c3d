/** The page that a Pomona runs in: its events, its timers, and whether its code runs at all just now. */
import type { Clock } from '../../src/index.js';
import type { Time } from './time.js';

type Listener = (event: { readonly type: string; readonly persisted?: boolean }) => void;

/** Listeners by the name of their event. */
class Target {
  readonly #listeners = new Map<string, Set<Listener>>();

  readonly addEventListener = (name: string, listener: Listener, { signal }: AbortController): void => {
    this.#listeners.set(name, (this.#listeners.get(name) ?? new Set()).add(listener));
    signal.addEventListener('abort', () => this.#listeners.get(name)?.delete(listener));
  };

  emit(type: string, more: { readonly persisted?: boolean } = {}): void {
    for (const listener of [...(this.#listeners.get(type) ?? [])]) listener({ type, ...more });
  }

  get size(): number {
    return [...this.#listeners.values()].reduce((sum, listeners) => sum + listeners.size, 0);
  }
}

class FakeDocument extends Target {
  visibilityState: 'visible' | 'hidden' = 'visible';
  readonly cookie = '';

  get hidden(): boolean {
    return this.visibilityState === 'hidden';
  }
}

/** A page, and the clock of what runs in it. */
export class FakePage implements Clock {
  readonly #time: Time;
  readonly #window = new Target();
  readonly #document = new FakeDocument();
  readonly #timers = new Set<{ cancel: () => void }>();
  /** What waits for the page's code to run again; null while it runs. */
  #frozen: (() => void)[] | null = null;
  /** Between `pagehide` and `pageshow`. */
  isGone = false;

  constructor(time: Time) {
    this.#time = time;
  }

  /** Becomes the global page. */
  install(): void {
    const { addEventListener } = this.#window;
    for (const [name, value] of Object.entries({ addEventListener, document: this.#document }))
      Object.defineProperty(globalThis, name, { value, configurable: true });
  }

  /** Is the global page no more. */
  remove(): void {
    for (const name of ['addEventListener', 'document']) Reflect.deleteProperty(globalThis, name);
  }

  /** Runs code of the page: now, or when the page is no longer frozen. */
  run(task: () => void): void {
    if (this.#frozen === null) task();
    else this.#frozen.push(task);
  }

  now(): number {
    return this.#time.now();
  }

  setTimeout(run: () => void, ms: number): unknown {
    const timer = { cancel: (): void => {} };
    this.#timers.add(timer);
    timer.cancel = this.#time.after(ms, () =>
      this.run(() => {
        if (this.#timers.delete(timer)) run();
      }),
    );
    return timer;
  }

  clearTimeout(timer: unknown): void {
    const known = timer as { cancel: () => void } | undefined;
    if (known !== undefined && this.#timers.delete(known)) known.cancel();
  }

  /** Timers that are set. */
  get timers(): number {
    return this.#timers.size;
  }

  /** Listeners that are there. */
  get listeners(): number {
    return this.#window.size + this.#document.size;
  }

  /** No code of the page runs until `thaw`; without `isAnnounced` the machine itself sleeps, and no event says so. */
  freeze(isAnnounced: boolean): void {
    if (isAnnounced) this.#document.emit('freeze');
    this.#frozen ??= [];
  }

  thaw(isAnnounced: boolean): void {
    const waiting = this.#frozen ?? [];
    this.#frozen = null;
    if (isAnnounced) this.#document.emit('resume');
    for (const task of waiting) this.#time.after(0, () => this.run(task));
  }

  show(): void {
    this.#see('visible');
  }

  hide(): void {
    this.#see('hidden');
  }

  online(): void {
    this.#window.emit('online');
  }

  leave(): void {
    this.isGone = true;
    this.#window.emit('pagehide', { persisted: true });
    this.#see('hidden');
  }

  comeBack(): void {
    this.#see('visible');
    this.isGone = false;
    this.#window.emit('pageshow', { persisted: true });
  }

  #see(state: 'visible' | 'hidden'): void {
    if (this.#document.visibilityState === state) return;
    this.#document.visibilityState = state;
    this.#document.emit('visibilitychange');
  }
}
