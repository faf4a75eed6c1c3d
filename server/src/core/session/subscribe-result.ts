/** What was decided about the paths of one frame or one grant, to be told together. */
import type { ErrorBody } from '../../../../protocol/codes.js';
import type { SubscribedItem, SubscribeItem } from '../../../../protocol/frames.js';
import type { Position } from '../../../../protocol/positions.js';
import type { PathTable } from '../data/path-table.js';
import { Frame } from '../wire/frame.js';

/** The session that is told the result. */
export interface ResultTarget {
  readonly asOf: { readonly received?: number };
  tell(frame: Frame): void;
  tellRefused(paths: ({ path: string } & ErrorBody)[]): void;
}

/** Decisions, as they are made. */
export class SubscribeResult {
  readonly subscribed: SubscribedItem[] = [];
  readonly pending: string[] = [];
  readonly refused: ({ path: string } & ErrorBody)[] = [];
  /** Messages to a session that is another one, of which nothing comes, and subscriptions that could not be taken over. */
  readonly ended: string[] = [];
  /** By path, as it is named last: what tokens or the back end are to decide. */
  readonly asked = new Map<string, SubscribeItem>();
  /** How many of `asked` count as paths of the session only from now on. */
  newlyAsked = 0;
  readonly #refused: PathTable<true> | null;

  readonly #leftMs: (path: string) => number | undefined;

  /**
   * `refused` is what the back end, which was asked before, refuses; null when it was not. `leftMs` says for how long a token opens a
   * path, in milliseconds.
   */
  constructor(refused: PathTable<true> | null, leftMs: (path: string) => number | undefined) {
    this.#refused = refused;
    this.#leftMs = leftMs;
  }

  /** A path is heard from a position. */
  heard(path: string, position: Position | null): void {
    const expiresInMs = this.#leftMs(path);
    this.subscribed.push(expiresInMs === undefined ? { path, position } : { path, position, expiresInMs });
  }

  /** Whether the back end was asked before. */
  get wasAsked(): boolean {
    return this.#refused !== null;
  }

  /** Whether the back end, which was asked before, refuses a path. */
  isRefused(path: string): boolean {
    return this.#refused?.has(path) === true;
  }

  /** Tells the client. */
  tell(session: ResultTarget): void {
    const { subscribed, pending, refused, ended } = this;
    if (subscribed.length > 0) session.tell(Frame.of({ type: 'subscribed', paths: subscribed }));
    if (pending.length > 0) session.tell(Frame.of({ type: 'pending', paths: pending }));
    if (refused.length > 0) session.tellRefused(refused);
    if (ended.length > 0)
      session.tell(Frame.of({ type: 'unsubscribed', paths: ended, by: 'back_end', ...session.asOf }));
  }
}
