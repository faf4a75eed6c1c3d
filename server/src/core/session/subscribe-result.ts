/** Collects the decisions about the paths of one frame or grant, and sends them to the client together. */
import { type ErrorCode, errorBody } from '../../../../protocol/codes.js';
import type { SubscribedItem, SubscribeItem } from '../../../../protocol/frames.js';
import type { Position } from '../../../../protocol/positions.js';
import type { Permissions } from '../access/permissions.js';
import type { PathTable } from '../data/path-table.js';
import { Frame } from '../wire/frame.js';
import type { PathOwner, RefusedPath } from './path-owner.js';

/** Decisions about the paths of one frame or grant. */
export class SubscribeResult {
  readonly subscribed: SubscribedItem[] = [];
  readonly pending: string[] = [];
  readonly refused: RefusedPath[] = [];
  /** Inboxes of other sessions, and subscriptions that could not be restored. */
  readonly ended: string[] = [];
  /** By path, as the frame names it last: what tokens or the back end are to decide. */
  readonly asked = new Map<string, SubscribeItem>();
  /** How many of `asked` are new paths of the session. */
  newlyAsked = 0;
  readonly #permissions: Permissions;
  readonly #now: number;
  readonly #refused: PathTable<true> | null;

  /** `now` is in milliseconds since 1970; `refused` is what the back end has refused already, null if it was not asked. */
  constructor(permissions: Permissions, now: number, refused: PathTable<true> | null) {
    this.#permissions = permissions;
    this.#now = now;
    this.#refused = refused;
  }

  /** Adds a path that is heard from a position. */
  heard(path: string, position: Position | null): void {
    const expiresInMs = this.#permissions.tokenLeftMs(path, this.#now);
    this.subscribed.push(expiresInMs === undefined ? { path, position } : { path, position, expiresInMs });
  }

  /** Adds a path that may not be heard. */
  refuse(path: string, code: ErrorCode): void {
    this.refused.push({ path, ...errorBody(code) });
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
  tell(session: PathOwner): void {
    const { subscribed, pending, refused, ended } = this;
    if (subscribed.length > 0) session.tell(Frame.of({ type: 'subscribed', paths: subscribed }));
    if (pending.length > 0) session.tell(Frame.of({ type: 'pending', paths: pending }));
    if (refused.length > 0) session.tellRefused(refused);
    if (ended.length > 0)
      session.tell(Frame.of({ type: 'unsubscribed', paths: ended, by: 'back_end', ...session.asOf }));
  }
}
