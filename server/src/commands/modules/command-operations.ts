/**
 * The operations of a server on behalf of a session, as modules have them. What a session causes it does not hear itself, unless it
 * asks to. They need no object before them, so a handler may take them apart; they are made when they are read.
 */
import type { Json } from '../../../../protocol/frames.js';
import type { Position } from '../../../../protocol/positions.js';
import type { Operations } from '../../core/operations/operations.js';
import type { Session } from '../../core/session/session.js';
import type { Recipients } from '../../core/sessions/direct-messages.js';
import { SharedState } from './shared-state.js';

/** What an update of a module may carry beyond its message. */
export interface CommandUpdateOptions {
  /** The update is also the new value of this key in the path's state; a null message removes it. */
  readonly key?: string;
  /** Only if the entry has this version; null: only if there is none. Else `state_conflict`. */
  readonly version?: number | null;
  /** Ids of sessions that are not to hear it. */
  readonly except?: readonly string[];
  /** Whether the session that gave the command hears it too; default false. */
  readonly echo?: boolean;
}

/** What can be done for a session, also after it has ended. All reject with DobbyError. */
export class CommandOperations {
  readonly #session: Session;
  readonly #operations: Operations;

  constructor(session: Session, operations: Operations) {
    this.#session = session;
    this.#operations = operations;
  }

  /** Publishes an update. Answers its position, null on a path without a log. */
  get update() {
    return async (
      path: string,
      message: Json,
      { echo = false, ...options }: CommandUpdateOptions = {},
    ): Promise<Position | null> => {
      const sender = echo ? '' : this.#session.id;
      return (await this.#operations.update({ path, message, ...options }, { sender })).position;
    };
  }

  /** Sends a message to every session, to the own one only with `echo`. */
  get broadcast() {
    return async (message: Json, { echo = false }: { readonly echo?: boolean } = {}): Promise<void> => {
      await this.#operations.broadcast(message, echo ? [] : [this.#session.id]);
    };
  }

  /** Sends a message to sessions and to all sessions of users, the own one among them if it is named. */
  get sendTo() {
    return async (to: Recipients, message: Json): Promise<{ sent: string[]; unknown: string[] }> => {
      const { sent, unknown } = await this.#operations.send(message, to);
      return { sent, unknown };
    };
  }

  /** Returns the state of a path, which all sessions, modules and back ends share. */
  get shared() {
    return (path: string): SharedState => new SharedState(path, this.#session, this.#operations);
  }
}
