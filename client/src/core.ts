/** What later entries, such as `pomona/state`, are given by a Pomona and add to it. */

import type { Emitter } from './emitter.js';
import type { PomonaErrorCode } from './errors.js';
import type { Settings } from './options.js';
import type { Numberable } from './outstanding.js';
import type { CoreEvents } from './pomona-events.js';
import type { Subscriptions } from './subscriptions.js';

/** More fields of the `open` frame, by name. Each is made before every opening, which waits for it; a rejection is as of `prepare`. */
export type OpenFields = Readonly<Record<string, () => unknown>>;

/** What a later entry works with. */
export interface Core {
  readonly subscriptions: Subscriptions;
  readonly events: Emitter<CoreEvents>;
  /** The sources of time and randomness. */
  readonly settings: Pick<Settings, 'clock' | 'random' | 'reconnect'>;
  /**
   * Numbers a frame and sends it, if there is a connection. Nothing is sent again by itself: a handler of `opened` frames, which come
   * before anything is sent on their connection, can do so. @throws PomonaError `outstanding_full`, `closed`
   */
  send(frame: Numberable): number;
  /** Frames of this connection up to `n` took effect. */
  accepted(n: number): void;
  /** There may be something to send. */
  changed(): void;
  /** Rejects when `run` takes longer than so many milliseconds. */
  within<T>(ms: number, run: () => Promise<T>): Promise<T>;
  /** Emits an `error`; `cause` is what others threw. */
  fail(code: PomonaErrorCode, message: string, cause?: unknown): void;
}
