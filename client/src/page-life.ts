/**
 * The life of the page that a Pomona runs in: shown, hidden, frozen, or gone (`pagehide`, perhaps into the back/forward cache). Hidden
 * pages are not woken, frozen ones run nothing, and from `pagehide` to `pageshow` nothing happens at all.
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

/** Listens to the page; returns the function that stops it. Outside of a page it does nothing. */
export function watchPage(owner: PageLifeOwner): () => void {
  const { document } = globalThis;
  const stop = new AbortController();
  let isGone = false;
  const on = (target: Partial<EventTarget> | undefined, name: string, run: () => void): void =>
    target?.addEventListener?.(name, run, stop);
  const wake = (): void => {
    if (!isGone && document?.visibilityState !== 'hidden') owner.wake();
  };
  on(globalThis, 'online', wake);
  on(document, 'visibilitychange', wake);
  on(document, 'resume', wake);
  on(globalThis, 'pagehide', () => {
    isGone = true;
    owner.gone();
  });
  on(globalThis, 'pageshow', () => {
    if (isGone) owner.restored();
    isGone = false;
  });
  return () => stop.abort();
}
