/**
 * The life of the page that a Pomona runs in: shown, hidden, frozen, or gone (`pagehide`, perhaps into the back/forward cache). It
 * tells its owner when the page goes, when it is restored, and when waiting has become pointless. Outside of a page it does nothing.
 */

/** What happens to a page. */
export interface PageLifeOwner {
  /** The page is shown again, or the network is back: timers may have slept. */
  wake(): void;
  /** The page goes; until `restored` nothing may be heard of or sent. */
  gone(): void;
  /** The page has come out of the back/forward cache. */
  restored(): void;
}

type Stop = () => void;

/** Listens to one page. */
export class PageLife {
  readonly #owner: PageLifeOwner;
  #stops: Stop[] = [];
  #isGone = false;

  constructor(owner: PageLifeOwner) {
    this.#owner = owner;
  }

  /** Begins to listen. Idempotent. */
  start(): void {
    this.stop();
    const { document } = globalThis;
    const wake = (): void => {
      if (!this.#isGone && document?.visibilityState !== 'hidden') this.#owner.wake();
    };
    this.#on(globalThis, 'online', wake);
    this.#on(globalThis, 'pagehide', () => {
      if (this.#isGone) return;
      this.#isGone = true;
      this.#owner.gone();
    });
    this.#on(globalThis, 'pageshow', () => {
      if (!this.#isGone) return;
      this.#isGone = false;
      this.#owner.restored();
    });
    this.#on(document, 'visibilitychange', wake);
    this.#on(document, 'resume', wake); // a frozen page runs nothing
  }

  /** Stops listening. Idempotent. */
  stop(): void {
    for (const stop of this.#stops) stop();
    this.#stops = [];
  }

  #on(target: Partial<EventTarget> | undefined, name: string, run: () => void): void {
    if (!target?.addEventListener) return;
    target.addEventListener(name, run);
    this.#stops.push(() => target.removeEventListener?.(name, run));
  }
}
