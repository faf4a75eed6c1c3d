/** Collects the decisions about the paths of one frame or grant, and sends them to the client together. */
import type { ErrorBody } from '../../../../protocol/codes.js';
import type { SubscribedItem, SubscribeItem } from '../../../../protocol/frames.js';
import type { Position } from '../../../../protocol/positions.js';
import type { PathTable } from '../data/path-table.js';
import { Frame } from '../wire/frame.js';

/** The session that gets the result. */
export interface ResultTarget {
  readonly asOf: { readonly received?: number };
  tell(frame: Frame): void;
  tellRefused(paths: ({ path: string } & ErrorBody)[]): void;
}

export class SubscribeResult {
  readonly subscribed: SubscribedItem[] = [];
  readonly pending: string[] = [];
  readonly refused: ({ path: string } & ErrorBody)[] = [];
  /** Inboxes of other sessions, and subscriptions that could not be restored. */
  readonly ended: string[] = [];
  /** By path, as the frame names it last: what tokens or the back end are to decide. */
  readonly asked = new Map<string, SubscribeItem>();
  /** How many of `asked` are new paths of the session. */
  newlyAsked = 0;
  readonly #refused: PathTable<true> | null;

  readonly #leftMs: (path: string) => number | undefined;

  /**
   * `refused` is what the back end has refused already; null if it was not asked. `leftMs` returns for how long a token
   * opens a path, in milliseconds.
   */
  constructor(refused: PathTable<true> | null, leftMs: (path: string) => number | undefined) {
    this.#refused = refused;
    this.#leftMs = leftMs;
  }

  /** Adds a path that is heard from a position. */
  heard(path: string, position: Position | null): void {
    const expiresInMs = this.#leftMs(path);
    this.subscribed.push(expiresInMs === undefined ? { path, position } : { path, position, expiresInMs });
  }

  /** Returns whether the back end was asked before. */
  get wasAsked(): boolean {
    return this.#refused !== null;
  }

  /** Returns whether the back end has refused a path. */
  isRefused(path: string): boolean {
    return this.#refused?.has(path) === true;
  }

  /** Sends the decisions to the client. */
  tell(session: ResultTarget): void {
    const { subscribed, pending, refused, ended } = this;
    if (subscribed.length > 0) session.tell(Frame.of({ type: 'subscribed', paths: subscribed }));
    if (pending.length > 0) session.tell(Frame.of({ type: 'pending', paths: pending }));
    if (refused.length > 0) session.tellRefused(refused);
    if (ended.length > 0)
      session.tell(Frame.of({ type: 'unsubscribed', paths: ended, by: 'back_end', ...session.asOf }));
  }
}
