/**
 * Features add frame types and hooks to a Pomona without a change in its core. Each is an entry of its own, such as
 * `pomona/state`: there is no table of them, since a page loads only what it uses. Hooks are called synchronously, in
 * the order of the features, without `this`; what one throws is reported and stops nothing.
 */
import type { OpenedFrame } from '../../protocol/frames.js';
import type { PomonaState } from './connection.js';
import type { Emitter } from './emitter.js';
import type { PomonaErrorCode } from './errors.js';
import type { FrameHandlers } from './frames.js';
import type { Settings } from './options.js';
import type { Numberable } from './outstanding.js';
import type { PomonaEvents } from './pomona-events.js';
import type { Subscriptions } from './subscriptions.js';
import type { Track } from './track.js';
import type { TransportEnd } from './transports/transport.js';

/** What a feature works with. */
export interface Core {
  /** The Pomona. */
  readonly session: { readonly state: PomonaState };
  readonly subscriptions: Subscriptions;
  readonly events: Emitter<PomonaEvents>;
  /** The sources of time and randomness. */
  readonly settings: Pick<Settings, 'clock' | 'random' | 'reconnect'>;
  /**
   * Numbers a frame and sends it, if there is a connection. Nothing is sent again by itself: `opened` says what the server
   * has received. @throws PomonaError `outstanding_full`, `closed`
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

/** What a feature does in the life of a Pomona. */
export interface Hooks {
  /** Called before every opening, which waits for it: resolves with more fields of the `open` frame. A rejection is as of `prepare`. */
  opening?(): Promise<object>;
  /** Called when a connection has opened, before anything is sent on it; `isNew` says that it is of another session. */
  opened?(frame: OpenedFrame & { readonly isNew: boolean }): void;
  /** Called while the connection is open, before paths are named: something is to be sent, or there may be room again. */
  flush?(): void;
  /** Called before a path is named. Returns more fields to name it with; null if it has to wait, until `changed` is called. */
  naming?(track: Track): object | null | undefined;
  /** Called when a connection has ended or could not be had, after the state has changed and before the page hears why. */
  ended?(end: TransportEnd): void;
  /** Called when the network or the page is back: timers may have slept. */
  wake?(): void;
  /** Called when another visitor may be here: what identified the one before counts no more. */
  reopen?(): void;
  /** Called when Pomona closes, before the page hears of it. */
  closed?(): void;
}

/** What hooks are called with. */
export type HookEvents = { [Name in keyof Hooks]-?: Parameters<Required<Hooks>[Name]>[0] };

/** A part of Pomona that adds frame types and hooks, as a plain object. */
export interface Feature<Methods extends object = object> extends Hooks {
  readonly frames?: FrameHandlers;
  /** What the page can call on the Pomona from now on. */
  readonly methods?: Methods;
}
